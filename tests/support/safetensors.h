// A reader of safetensors files, just large enough for the goldens: f64 and f32 tensors and one metadata text.
// Format: 8 bytes little-endian header size, a JSON header {name: {dtype, shape, data_offsets}}, then the data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rondo::test {

struct SafeTensor {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

struct SafeTensors {
  std::map<std::string, std::string> metadata;
  std::map<std::string, SafeTensor> tensors;
};

// Throws std::runtime_error that names the file and what is wrong with it.
SafeTensors read_safetensors(const std::string &path);

}  // namespace rondo::test
