#include "formats/debian/debian.hpp"

core::Format format() { return formats::debian(); }
