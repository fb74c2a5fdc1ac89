"""Documents: no link that leads nowhere, no word of a document or a test that is not in the tree, with or without ".md"
(in capitals, as those at the top are called: see NAME, NAME 3, NAME: ...); ARCHITECTURE.md stays one page, and lines
are at most 120 columns wide, but for tables, code blocks and the targets of links."""
import re

CODE = (".cpp", ".hpp", ".py", ".sh", ".txt", ".toml", ".cmake", "")
CITED = r"\b[Ss]ee ([A-Z]{4,})\b|\b([A-Z]{4,}) §?\d|(?:\(|\. )([A-Z]{4,}): "
NO_DOCUMENTS = {"HTTP", "HTTPS", "POSIX", "SIGTERM"}
CODE_FOLDERS = ("p2p", "verify", "formats", "hooks", "seeder", "tracker-tools", "tests", "contrib", "cmake")
MOST_COLUMNS, MOST_OF_THE_MAP = 120, 10 * 1024
NOT_OURS = ("build", "tests/law/bad", "tests/fuzz/corpus", ".git")
PLACES = r"(?:p2p|verify|formats|hooks|seeder|tracker-tools|tests|contrib|docs|findings)"


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


def comments(text):
    """What stands behind // or #, and the first lines of doc strings."""
    return "\n".join(re.findall(r'(?:(?:^|\s)(?://|#)|^\s*""")(.*)', text, re.MULTILINE))


def absent_citations(name, text, known):
    for words in re.findall(CITED, text):
        cited = "".join(words)
        if f"{cited}.md" not in known and cited not in NO_DOCUMENTS:
            yield f"{name}: there is no document {cited}"


def prose(text):
    """(number, line) of what is neither a table nor a code block: fenced, or indented behind a blank line."""
    is_fenced = is_code = False
    before = ""
    for number, line in enumerate(text.splitlines(), 1):
        fences = line.lstrip().startswith("```")
        is_code = line.startswith("    ") and (is_code or not before.strip())
        if not (is_fenced or fences or is_code or line.lstrip().startswith("|")):
            yield number, line
        is_fenced ^= fences
        before = line


def wide_lines(name, text):
    for number, line in prose(text):
        columns = len(re.sub(r"\]\([^)\s]*\)", "]()", line))
        if columns > MOST_COLUMNS:
            yield f"{name}:{number}: {columns} columns, more than {MOST_COLUMNS}"


def long_map(name, file):
    size = file.stat().st_size
    if name == "ARCHITECTURE.md" and size > MOST_OF_THE_MAP:
        yield f"{name}: {size} bytes, more than {MOST_OF_THE_MAP}: what is more belongs to a page in docs"


def write_sample(tree):
    """A map that is too long, and lines that are too wide between others that may be; what has to be said of them."""
    wide = "x" * 121
    (tree / "ARCHITECTURE.md").write_text("twenty bytes a line\n" * 512 + "\n")
    may_be_wide = f"| {wide} |\n\n    {wide}\n\n```\n{wide}\n```\n[a](https://{wide})\n"
    (tree / "README.md").write_text(f"{wide}\n{may_be_wide}- {wide}\n")
    return ["ARCHITECTURE.md: 10241 bytes", "README.md:1: 121 columns", "README.md:10: 123 columns"]


def faults(tree):
    files = list(files_of(tree))
    known = {name.rpartition("/")[2] for name, _ in files if name.endswith(".md")}
    out = []
    for name, file in files:
        if file.suffix == ".md":
            text = file.read_text()
            out += [*broken_links(tree, name, file), *absent_places(tree, name, text),
                    *absent_documents(tree, name, text, known), *absent_citations(name, text, known),
                    *wide_lines(name, text), *long_map(name, file)]
        elif file.suffix in CODE and name.startswith(tuple(f"{place}/" for place in CODE_FOLDERS)):
            text = file.read_text(errors="replace")
            out += [*absent_documents(tree, name, text, known), *absent_citations(name, comments(text), known)]
    return out
