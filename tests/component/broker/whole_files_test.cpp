// A file of many parts takes seconds, once for each of what may go wrong.
#include "tests/unit/broker/whole_files.hpp"

namespace packswarm::broker {
namespace {

const std::vector<WholeFiles> kinds{{Parts::from_the_start, 40}};

INSTANTIATE_TEST_SUITE_P(Kinds, WholeFilesTest, ::testing::ValuesIn(kinds), name_of);

}  // namespace
}  // namespace packswarm::broker
