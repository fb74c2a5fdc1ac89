"""Documents: no link that leads nowhere, no word of a document or a test that is not in the tree."""
import re

CODE = (".cpp", ".hpp", ".py", ".sh", ".txt", ".toml", "")
NOT_OURS = ("build", "tests/law/bad", "tests/fuzz/corpus", ".git")
PLACES = r"(?:p2p|verify|hooks|seeder|tracker-tools|tests|contrib|docs|findings)"


def heading_names(text):
    """As links name them: lower case, blanks as hyphens, no other signs."""
    heads = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def files_of(tree):
    for file in sorted(tree.rglob("*")):
        name = str(file.relative_to(tree))
        if file.is_file() and not name.startswith(NOT_OURS):
            yield name, file


def broken_links(tree, name, file):
    for target in re.findall(r"\]\(([^)\s]+)\)", file.read_text()):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (file.parent / path).resolve() if path else file
        if not there.exists():
            yield f"{name}: {target} leads nowhere"
        elif anchor and anchor not in heading_names(there.read_text()):
            yield f"{name}: {target} has no such heading"


def absent_places(tree, name, text):
    """Paths of the tree in backticks, as documents cite them; brace lists and patterns are no paths."""
    for path in re.findall(rf"`({PLACES}/[\w./-]+)[ `:]", text):
        if not (tree / path).exists():
            yield f"{name}: there is no {path}"


def absent_documents(tree, name, text, known):
    for document in re.findall(r"(?<![\w/.-])((?:[\w-]+/)*[\w-]+\.md)\b", text):
        if document.rpartition("/")[2] not in known:
            yield f"{name}: there is no document {document}"


def faults(tree):
    files = list(files_of(tree))
    known = {name.rpartition("/")[2] for name, _ in files if name.endswith(".md")}
    out = []
    for name, file in files:
        if file.suffix == ".md":
            out += [*broken_links(tree, name, file), *absent_places(tree, name, file.read_text()), *absent_documents(tree, name, file.read_text(), known)]
        elif file.suffix in CODE and name.startswith(tuple(f"{place}/" for place in ("p2p", "verify", "hooks", "seeder", "tracker-tools", "tests", "contrib"))):
            out += absent_documents(tree, name, file.read_text(errors="replace"), known)
    return out
