"""`ticketing backup` and `ticketing restore`: what the services' MongoDB databases hold.

A backup is a folder as `mongodump --gzip` writes one, so either's can be brought back by the other:
`<database>/<collection>.bson.gz`, and `<collection>.metadata.json.gz` with its indexes. Large
databases are mongodump's business, which the cluster's backups call; here a transaction reads all.
"""

import gzip
import shutil
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from bson import CodecOptions, decode_file_iter, json_util
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel, MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from ticketing_dev.stack.control import Refused

RAW = CodecOptions(document_class=RawBSONDocument)
SERVICES = ("auth", "tickets", "orders", "payments", "contact")
"""Those with a database of their own."""
BATCH = 500


def backup(uris: Mapping[str, str], folder: Path) -> dict[str, int]:
    """Copy each service's database into a new folder; gives how many documents each has.

    A database is copied as it is at one moment. The folder is there when all of it is.
    Raises Refused where it is there already, PyMongoError.
    """
    if folder.exists():
        raise Refused(f"{folder} is there already. A backup goes into a folder of its own.")
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
    """Bring each service's database back as it was; gives how many documents each has.

    Raises Refused, before anything is changed, where the folder has not all of them, or where a
    database holds something and `replace` is not set. Raises PyMongoError.
    """
    for service in uris:
        if not (folder / service).is_dir():
            raise Refused(f"{folder} has no backup of {service}.")
    if not replace:
        for service, uri in uris.items():
            with MongoClient[Any](uri) as client:
                if any(one.find_one() for one in _collections(client.get_default_database())):
                    raise Refused(
                        f"{service}'s database is not empty. --replace drops what it holds."
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
        for one in collections:
            about = {"indexes": list(one.list_indexes()), "collectionName": one.name}
            with gzip.open(folder / f"{one.name}.metadata.json.gz", "wt") as file:
                file.write(json_util.dumps(about))
        with session.start_transaction(read_concern=ReadConcern("snapshot")):
            for one in collections:
                with gzip.open(folder / f"{one.name}.bson.gz", "wb") as file:
                    for document in one.find(session=session):
                        file.write(document.raw)
                        count += 1
    return count


def _load(uri: str, folder: Path) -> int:
    count = 0
    with MongoClient[Any](uri) as client:
        db = client.get_default_database()
        for old in list(_collections(db)):
            # Emptied, not dropped: a service that runs goes on with the collection that it knows.
            old.delete_many({})
        for path in sorted(folder.glob("*.bson.gz")):
            collection = db.get_collection(path.name.removesuffix(".bson.gz"), codec_options=RAW)
            with gzip.open(path) as file:
                for batch in _batches(BufferedReader(file)):
                    collection.insert_many(batch)
                    count += len(batch)
            about = folder / f"{collection.name}.metadata.json.gz"
            if indexes := [_index(one) for one in _indexes(about)]:
                collection.create_indexes(indexes)
    return count


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
        about = json_util.loads(file.read())
    return [one for one in about["indexes"] if one["name"] != "_id_"]


def _index(stored: Mapping[str, Any]) -> IndexModel:
    rest = {name: value for name, value in stored.items() if name not in ("key", "v", "ns")}
    return IndexModel(list(stored["key"].items()), **rest)
