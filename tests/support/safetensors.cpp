// Reads a whole safetensors file into doubles.
// Offsets and shapes are checked against the file's size, for a truncated golden must not read as zeros.
#include "safetensors.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "element.h"

namespace rondo::test {
namespace {

[[noreturn]] void fail(const std::string &path, const std::string &reason) {
  throw std::runtime_error("safetensors file " + path + ": " + reason);
}

SafeTensor read_tensor(const std::string &path, const std::string &name, const nlohmann::json &entry,
                       const std::string &file, std::size_t data_start) {
  const auto type = entry.at("dtype").get<std::string>();
  if (type != "F64" && type != "F32") fail(path, name + " has dtype " + type + ", but F64 or F32 was expected");
  const Dtype dtype = type == "F64" ? Dtype::f64 : Dtype::f32;
  SafeTensor tensor;
  tensor.shape = entry.at("shape").get<std::vector<std::int64_t>>();
  std::size_t count = 1;
  for (const std::int64_t extent : tensor.shape) count *= static_cast<std::size_t>(extent);
  const auto begin = entry.at("data_offsets").at(0).get<std::size_t>();
  const auto end = entry.at("data_offsets").at(1).get<std::size_t>();
  if (end < begin || end - begin != count * size_of(dtype) || data_start + end > file.size()) {
    fail(path, name + " has data_offsets that do not fit its shape or the file");
  }
  tensor.values.resize(count);
  decode(dtype, file.data() + data_start + begin, count, tensor.values.data());
  return tensor;
}

}  // namespace

SafeTensors read_safetensors(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(path, "cannot be opened");
  const std::string file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (file.size() < 8) fail(path, "is shorter than its header size");
  std::uint64_t header_size = 0;
  for (std::size_t i = 8; i > 0; --i) header_size = header_size << 8U | static_cast<unsigned char>(file[i - 1]);
  if (header_size > file.size() - 8) fail(path, "is shorter than its header");
  SafeTensors result;
  try {
    const auto header = nlohmann::json::parse(file.substr(8, header_size));
    for (const auto &[name, entry] : header.items()) {
      if (name == "__metadata__") {
        result.metadata = entry.get<std::map<std::string, std::string>>();
      } else {
        result.tensors.emplace(name, read_tensor(path, name, entry, file, 8 + header_size));
      }
    }
  } catch (const nlohmann::json::exception &error) {
    fail(path, std::string("has a header that cannot be read: ") + error.what());
  }
  return result;
}

}  // namespace rondo::test
