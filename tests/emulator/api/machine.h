// Questions to the library in a process of its own, on an emulated machine that its environment describes.
#pragma once

#include <string>

namespace rondo::test::gpu {

// `environment`: NAME=value words; `problem`: arguments of ask.cpp. What it printed, or how it died.
std::string ask(const std::string &environment, const std::string &problem = "");

}  // namespace rondo::test::gpu
