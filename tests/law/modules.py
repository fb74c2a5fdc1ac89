"""A source of core, plan or broker has a unit test of its own name: p2p/core/X.cpp has tests/unit/core/X_test.cpp."""
FOLDERS = {"p2p/core": "core", "p2p/plan": "plan", "p2p/broker": "broker", "p2p/broker/desks": "broker",
           "p2p/broker/transfer": "broker"}
# Parts of a class that another file names, tested with it.
EXCEPTIONS = {
    "p2p/broker/serve.cpp": "Broker's: broker_test",
    "p2p/broker/index_roots.cpp": "IndexBook's: index_book_test, repository_identity_test",
}


def faults(tree):
    out = [f"{name}: an exception of tests/law/modules.py that is no file"
           for name in EXCEPTIONS if not (tree / name).is_file()]
    for folder, room in FOLDERS.items():
        for source in sorted((tree / folder).glob("*.cpp")):
            name, test = f"{folder}/{source.name}", f"tests/unit/{room}/{source.stem}_test.cpp"
            if name not in EXCEPTIONS and not (tree / test).is_file():
                out.append(f"{name}: there is no {test}")
    return out
