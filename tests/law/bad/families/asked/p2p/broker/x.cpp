#include "formats/debian/debian.hpp"

// "core.db", formats::pacman() and "debian" in a comment are none of its business.
bool f(const Repository& repository) { return repository.format == Format::debian; }
bool g(const Repository& repository) { return repository.format == formats::pacman(); }
bool h(const std::string& path) { return path.ends_with(".db") || path.find(".pkg.tar") != std::string::npos; }
std::string i(const std::string& folder) { return folder + "InRelease"; }
std::string j(const Repository& repository) { return is_debian(repository) ? "Packages.gz" : "no Packages file"; }
bool k(const Repository& repository) { return repository.format->name() == "debian"; }
const char* text = "http://mirror/ and no Packages file";
