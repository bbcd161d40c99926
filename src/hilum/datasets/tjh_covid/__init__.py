"""Blood tests of COVID-19 inpatients."""
