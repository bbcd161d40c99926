"""Small image series written to files: strips by Pillow, DICOM by pydicom, NIfTI by nibabel. Noise and counts, no person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PRIVATE = ("Doe^Jane", "19700101", "MRN-4711", "Radiologist^Rob", "St. Nowhere Hospital")


def grey(frames: int = 5, height: int = 12, width: int = 9, levels: int = 4095, seed: int = 0) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(0, levels + 1, (frames, height, width)).astype(np.uint16)


def dicom(path: Path, pixels: NDArray[Any], **header: Any) -> Path:
    """One DICOM file, with personal data in its header; a header value of None leaves the attribute out."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = MRImageStorage
    made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.PatientName, made.PatientBirthDate, made.PatientID = PRIVATE[:3]
    made.OperatorsName, made.InstitutionName = PRIVATE[3:]
    made.SOPClassUID, made.SOPInstanceUID = MRImageStorage, made.file_meta.MediaStorageSOPInstanceUID
    facts: dict[str, Any] = {
        "SeriesInstanceUID": "1.2.3",
        "Rows": pixels.shape[-2],
        "Columns": pixels.shape[-1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "PixelSpacing": [1.5, 1.5],
        "ImagePositionPatient": [10.0, 0.0, 0.0],
        "NumberOfFrames": len(pixels) if pixels.ndim == 3 else None,
    } | header
    for name, value in facts.items():
        if value is not None:
            setattr(made, name, value)
    made.PixelData = pixels.tobytes()
    made.save_as(path, enforce_file_format=True)
    return path


def series(folder: Path, pixels: NDArray[Any], **header: Any) -> Path:
    """A folder of one file a frame, 0.25 s apart, named in an order that is not that of time."""
    folder.mkdir(exist_ok=True)
    for index, frame in enumerate(pixels):
        when = {"InstanceNumber": index + 1, "AcquisitionTime": f"1015{index // 4:02d}.{25 * (index % 4):02d}"}
        dicom(folder / f"{(7 * index) % 11:02d}.dcm", frame, **(when | header))
    return folder


def nifti(path: Path, stored: NDArray[Any], zooms: tuple[float, ...], units: tuple[str, str] = ("mm", "sec")) -> Path:
    """A NIfTI file with a name in its description."""
    import nibabel

    image = nibabel.Nifti1Image(stored, np.eye(4))
    image.header.set_zooms(zooms)
    image.header.set_xyzt_units(*units)
    image.header["descrip"] = PRIVATE[0].encode()
    nibabel.save(image, path)
    return path
