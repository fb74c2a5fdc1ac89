// A DeskFixture with one pacman repository, "lab", at http://lab, whose database nobody signs.
#pragma once

#include "tests/support/signed_repo.hpp"
#include "tests/unit/broker/desk_fixture.hpp"

namespace packswarm::broker {

class UnsignedLabFixture : public DeskFixture {
  protected:
    void SetUp() override {
        DeskFixture::SetUp();
        lab_.id = core::RepositoryId("pacman:lab:x86_64");
        lab_.suite = "lab";
        lab_.format = test::pacman();
        lab_.architectures = {"x86_64"};
        lab_.bases = {"http://lab"};
        lab_.signed_database = false;
        mirrors_.mirrors["http://lab"];
        book_->set_repositories(core::RepositoryTable({lab_}));
        loop_.drain();
    }
    // What the mirror has from now on.
    void publish(const std::vector<test::PacmanPackage>& packages) {
        mirrors_.files["/lab.db"] = test::pacman_database(packages);
        for (const auto& package : packages) mirrors_.files["/" + package.file_name()] = package.file;
    }
    static test::PacmanPackage package(const std::string& name) {
        test::PacmanPackage out;
        out.name = name;
        out.file = "content of " + name;
        return out;
    }
    static Request lab_request(const std::string& file, const std::string& asker = "pacman") {
        auto out = request_of("/" + file, asker);
        out.url = "http://lab/" + file;
        return out;
    }

    core::Repository lab_;
};

}  // namespace packswarm::broker
