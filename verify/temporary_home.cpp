#include "verify/temporary_home.hpp"

#include <cstdlib>
#include <string>
#include <system_error>

namespace packswarm::verify {

namespace fs = std::filesystem;

Result<TemporaryHome> TemporaryHome::create() {
    std::error_code error;
    const auto folder = fs::temp_directory_path(error);
    std::string path = (error ? fs::path("/tmp") : folder) / "packswarm-keys-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr)
        return fail(ErrorKind::Broken, "making a folder for keys in {}", folder.string());
    TemporaryHome home;
    home.path_ = path;
    return home;
}

TemporaryHome::~TemporaryHome() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace packswarm::verify
