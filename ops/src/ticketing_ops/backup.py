"""Backup and restore of the services' MongoDB databases.

A backup is a folder in the layout of `mongodump --gzip`, and each program restores the other's:
`<database>/<collection>.bson.gz`, and `<collection>.metadata.json.gz` with the indexes. One
transaction reads a whole database, so use mongodump for large ones, as the cluster's backups do.
"""

import gzip
import shutil
import zlib
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from bson import CodecOptions, decode_file_iter, json_util
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, IndexModel, MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from ticketing_ops.errors import CommandError, DamagedFile

RAW = CodecOptions(document_class=RawBSONDocument)
BATCH = 500


def backup(uris: Mapping[str, str], folder: Path) -> dict[str, int]:
    """Copy each service's database into a new folder, and return the numbers of documents.

    Each database is copied as of one moment. The folder appears when the backup is complete.

    Raises:
        CommandError: The folder exists.
        PyMongoError: A database is unavailable.
    """
    if folder.exists():
        raise CommandError(f"{folder} exists. Name a new folder for the backup.")
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        counts = {service: _dump(uri, draft / service) for service, uri in uris.items()}
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return counts


def restore(uris: Mapping[str, str], folder: Path, *, replace: bool = False) -> dict[str, int]:
    """Restore each service's database from a backup, and return the numbers of documents.

    Raises:
        CommandError: Before any change: a service has no backup in the folder, a file of it is
            damaged, or a database is not empty and `replace` is not set.
        PyMongoError: A database is unavailable.
    """
    for service in uris:
        if not (folder / service).is_dir():
            raise CommandError(
                f"{folder} has no backup of {service}. Name a folder from `ticketing backup`."
            )
    for service in uris:
        _check(folder / service)
    if not replace:
        for service, uri in uris.items():
            with MongoClient[Any](uri) as client:
                collections = _collections(client.get_default_database())
                if any(collection.find_one() for collection in collections):
                    raise CommandError(
                        f"The database of {service} is not empty. "
                        "--replace deletes its documents first."
                    )
    return {service: _load(uri, folder / service) for service, uri in uris.items()}


def _collections(db: Database[Any]) -> Iterator[Collection[Any]]:
    for name in sorted(db.list_collection_names()):
        if not name.startswith("system."):
            yield db.get_collection(name, codec_options=RAW)


def _dump(uri: str, folder: Path) -> int:
    folder.mkdir()
    count = 0
    with MongoClient[Any](uri) as client, client.start_session() as session:
        collections = list(_collections(client.get_default_database()))
        for collection in collections:
            indexes = list(collection.list_indexes())
            metadata = {"indexes": indexes, "collectionName": collection.name}
            with gzip.open(folder / f"{collection.name}.metadata.json.gz", "wt") as file:
                file.write(json_util.dumps(metadata))
        with session.start_transaction(read_concern=ReadConcern("snapshot")):
            for collection in collections:
                with gzip.open(folder / f"{collection.name}.bson.gz", "wb") as file:
                    for document in collection.find(session=session):
                        file.write(document.raw)
                        count += 1
    return count


def _load(uri: str, folder: Path) -> int:
    count = 0
    with MongoClient[Any](uri) as client:
        db = client.get_default_database()
        for old in list(_collections(db)):
            _empty(old)
        for path in sorted(folder.glob("*.bson.gz")):
            collection = db.get_collection(path.name.removesuffix(".bson.gz"), codec_options=RAW)
            with gzip.open(path) as file:
                for batch in _batches(BufferedReader(file)):
                    collection.insert_many(batch)
                    count += len(batch)
            metadata = folder / f"{collection.name}.metadata.json.gz"
            if indexes := [_index(stored) for stored in _indexes(metadata)]:
                collection.create_indexes(indexes)
    return count


def _check(folder: Path) -> None:
    """Read all files of a database's backup. Raises: DamagedFile, OSError."""
    for path in sorted(folder.glob("*.gz")):
        try:
            if path.name.endswith(".metadata.json.gz"):
                [_index(stored) for stored in _indexes(path)]
            elif path.name.endswith(".bson.gz"):
                with gzip.open(path) as file:
                    for _ in _batches(BufferedReader(file)):
                        pass
        except (gzip.BadGzipFile, zlib.error, EOFError, BSONError, ValueError, LookupError):
            raise DamagedFile(path, "Use another backup. Nothing was restored.") from None


def _empty(collection: Collection[Any]) -> None:
    """Delete all documents. A running service keeps using its collections and their indexes."""
    while ids := [row["_id"] for row in collection.find({}, {"_id": 1}).limit(BATCH)]:
        collection.bulk_write([DeleteOne({"_id": each}) for each in ids], ordered=False)


def _batches(file: BinaryIO) -> Iterator[list[RawBSONDocument]]:
    batch: list[RawBSONDocument] = []
    for document in decode_file_iter(file, RAW):
        batch.append(document)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _indexes(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with gzip.open(path, "rt") as file:
        metadata = json_util.loads(file.read())
    return [index for index in metadata["indexes"] if index["name"] != "_id_"]


def _index(stored: Mapping[str, Any]) -> IndexModel:
    options = {name: value for name, value in stored.items() if name not in ("key", "v", "ns")}
    return IndexModel(list(stored["key"].items()), **options)
