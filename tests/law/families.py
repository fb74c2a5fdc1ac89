"""What a distribution is stands in formats/ alone: no other room names one, knows how its files are called, or asks which
it is. A room asks the format that it was given (p2p/core/format.hpp)."""
import re

FOLDERS = ("p2p", "verify", "seeder", "tracker-tools")
# Hooks and the configuration of one package manager: they may name formats::debian() and formats::pacman(), and know
# their package manager's own files. hooks/ is no folder of the above.
OF_A_PACKAGE_MANAGER = (
    r"p2p/daemon/(learned_apt|learned_pacman|apt_settings|apt_lists|apt_upgrade|kept_lists|pacman_\w+)\.[ch]pp",
    r"p2p/cli/(apt_itself|commands|doctor|fetch|give|packswarm_main|setup_command)\.[ch]pp",  # setup, caches, XferCommand
    r"p2p/core/(apt_text|pacman_command)\.[ch]pp",
)
# Places where a word is a name that owners or hooks use, not knowledge of a repository.
WORDS = {
    "p2p/broker/manners.cpp": "who comes to the agent",
    "p2p/control/client_session.cpp": "who may come to the control socket",
    "p2p/daemon/options.cpp": "text for the manual",
    "verify/keyring.cpp": "files of keys",
}
NAMED = re.compile(r"\bFormat::(?:debian|pacman|rpm)\b|\bformats::(?:debian|pacman|rpm)\w*\(|\"formats/\w+/"
                   r"|\bis_(?:debian|pacman|rpm)")
FILES = re.compile(  # a literal with a blank in it is text for people
    r'"[^" ]*(?:\.pkg\.tar|InRelease|Release\.gpg|/by-hash/|binary-|dists/|/os/)[^" ]*"|"/?(?:Packages|Release)[^" ]*"'
    r'|"\.(?:db|files|sig|gpg|deb|udeb|ddeb)(?:\.\w+)?"')
ASKED = re.compile(r'[=!]= *"(?:debian|pacman|apt|rpm)"|"(?:debian|pacman|apt|rpm)" *[=!]=|"(?:debian|pacman)"')


def code_of(line):
    """A line without its comment."""
    return re.match(r'(?:"(?:[^"\\]|\\.)*"|(?!//).)*', line)[0]


def faults(tree):
    out = []
    for file in sorted(one for folder in FOLDERS for one in (tree / folder).rglob("*.[ch]pp")):
        name = str(file.relative_to(tree))
        if name in WORDS or any(re.fullmatch(pattern, name) for pattern in OF_A_PACKAGE_MANAGER):
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            code = code_of(line)
            if NAMED.search(code):
                out.append(f"{name}:{number}: names a distribution")
            if FILES.search(code):
                out.append(f"{name}:{number}: knows how a distribution's files are called")
            if ASKED.search(code):
                out.append(f"{name}:{number}: asks for one distribution by its name")
    return out
