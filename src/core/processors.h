// How many processors this process may keep busy, by its affinity mask and its control groups' CPU quota, and their
// second cache level. What cannot be read is no limit: a container's files differ, and a wrong guess costs speed only.
#pragma once

#include <cstdint>
#include <string>

namespace rondo {

// At least 1.
int usable_processors();

// The tightest quota of the process's control groups (version 1 and 2) and of those above them, rounded up to whole
// processors; 0 where there is none. Files are read under `root`, which is empty but for tests.
int quota_processors(const std::string &root);

// Processors that this thread or the process's first one may run on.
int allowed_processors();

// Of a core, as the C library tells it, or 1 MiB.
int64_t second_level_bytes();

}  // namespace rondo
