"""Where objects are kept."""

from anyrig.settings import ServerSettings
from anyrig.storage.artifacts import Objects
from anyrig.storage.objects_files import FileObjects


def open_objects(settings: ServerSettings) -> Objects:
    """As files of the data directory, or in a store."""
    if settings.objects_url is None:
        return FileObjects(settings.data / "objects")
    from anyrig.storage.objects_s3 import StoreObjects  # noqa: PLC0415 - obstore is for those who have a store

    return StoreObjects(settings.objects_url, settings.objects_options, settings.data / "spool")
