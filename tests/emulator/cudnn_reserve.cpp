// Layout: a header, then the parts of the reserve's stage, each in the data type; the rest is NaN.
// Backward's parts lie over forward's, so that a second cudnnRNNBackwardData has nothing left to read.
#include "cudnn_reserve.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "cudnn_use.h"
#include "cudnn_weights.h"

namespace rondo_emulator::cudnn {
namespace {

constexpr uint64_t kMagic = 0x52656365736E6E31U;
constexpr size_t kGranule = 16;

struct Header {
  uint64_t magic;
  Stage stage;
  Seen seen;
  uint64_t checksum;  // of everything behind it
};
constexpr size_t kFirst = (sizeof(Header) + kGranule - 1) / kGranule * kGranule;

size_t product(std::initializer_list<int> factors) {
  size_t result = 1;
  for (const int factor : factors) result *= static_cast<size_t>(factor);
  return result;
}

size_t parameter_count(const cudnnRNNStruct &rnn) {
  size_t count = 0;
  for (const test::ParamShape &shape : network(rnn).param_shapes()) count += static_cast<size_t>(shape.size());
  return count;
}

struct Counts {
  size_t x, y, h, c, weights;
  Counts(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data, size_t positions)
      : x(positions * product({rnn.I})),
        y(positions * product({rnn.D(), rnn.O})),
        h(product({rnn.L, rnn.D(), data.N, rnn.O})),
        c(rnn.cell == CUDNN_LSTM ? product({rnn.L, rnn.D(), data.N, rnn.H}) : 0),
        weights(parameter_count(rnn)) {}
};

// Sizes are for any lengths.
Counts largest(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &data) {
  return {rnn, data, product({data.T, data.N})};
}

size_t rounded(size_t bytes) { return (bytes + kGranule - 1) / kGranule * kGranule; }

// Some T cost more than a larger one.
size_t unevenness(const cudnnRNNDataStruct &x) {
  const char *wanted = std::getenv("RONDO_EMULATOR_CUDNN_SIZES");
  const bool uneven = wanted != nullptr && std::strcmp(wanted, "uneven") == 0;
  return uneven && x.T % 3 == 2 ? size_t{1} << 20 : 0;
}

}  // namespace

size_t workspace_bytes(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &x) {
  const Counts counts = largest(rnn, x);
  return rounded((counts.y * static_cast<size_t>(rnn.G()) + counts.h + 32) * size_of(rnn.type)) + unevenness(x);
}

size_t reserve_bytes(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &x) {
  const Counts counts = largest(rnn, x);
  const size_t values = counts.c + counts.weights + std::max(counts.x, counts.y + counts.h + counts.c);
  return kFirst + rounded(values * size_of(rnn.type)) + kGranule * 8 + unevenness(x);
}

uint64_t hash_of(const Doubles &values) {
  uint64_t hash = values.size();
  for (const double value : values) hash = mix(hash, std::bit_cast<uint64_t>(value));
  return hash;
}

Reserve::Reserve(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &x, void *memory, size_t size)
    : type_(dtype_of(rnn.type)),
      memory_(static_cast<unsigned char *>(memory)),
      size_(size),
      used_(reserve_bytes(rnn, x) - unevenness(x)) {
  const Counts counts(rnn, x, x.positions());
  const auto place = [&](std::vector<Part> *parts, Doubles Kept::*values, size_t count) {
    const Part *last = parts->empty() ? nullptr : &parts->back();
    const size_t at = last == nullptr ? kFirst : last->offset + rounded(last->count * test::size_of(type_));
    parts->push_back({values, at, count});
  };
  for (auto *parts : {&forward_, &data_}) {
    place(parts, &Kept::cx, counts.c);
    place(parts, &Kept::weights, counts.weights);
  }
  place(&forward_, &Kept::x, counts.x);
  place(&data_, &Kept::dy, counts.y);
  place(&data_, &Kept::dhn, counts.h);
  place(&data_, &Kept::dcn, counts.c);
}

uint64_t Reserve::checksum() const {
  uint64_t hash = 1;
  for (size_t at = kFirst; at + 8 <= used_; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, memory_ + at, 8);
    hash = mix(hash, word);
  }
  return hash;
}

void Reserve::write(Stage stage, const Seen &seen, const Kept &kept) {
  std::memset(memory_, 0xff, size_);
  for (const Part &part : stage == Stage::forward ? forward_ : data_) {
    test::encode(type_, (kept.*part.values).data(), part.count, memory_ + part.offset);
  }
  const Header header{kMagic, stage, seen, checksum()};
  std::memcpy(memory_, &header, sizeof header);
}

std::string Reserve::read(Stage stage, Seen *seen, Kept *kept) const {
  Header header{};
  std::memcpy(&header, memory_, sizeof header);
  if (header.magic != kMagic) return "the reserve was not written by cudnnRNNForward with CUDNN_FWD_MODE_TRAINING";
  if (header.seen.network != seen->network) return "the reserve was written with another RNN descriptor";
  if (header.seen.sequences != seen->sequences) return "the reserve was written with other lengths or another layout";
  if (header.stage != stage) {
    return stage == Stage::forward ? "cudnnRNNBackwardData_v8 has changed this reserve already"
                                   : "cudnnRNNBackwardData_v8 did not run on this reserve before";
  }
  if (header.checksum != checksum()) return "the reserve was changed since cuDNN wrote it";
  *seen = header.seen;
  for (const Part &part : stage == Stage::forward ? forward_ : data_) {
    Doubles &values = kept->*part.values;
    values.resize(part.count);
    test::decode(type_, memory_ + part.offset, part.count, values.data());
  }
  return {};
}

}  // namespace rondo_emulator::cudnn

using namespace rondo_emulator::cudnn;

extern "C" cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle, cudnnRNNDescriptor_t rnnDesc,
                                                   cudnnForwardMode_t fwdMode, cudnnRNNDataDescriptor_t xDesc,
                                                   size_t *workSpaceSize, size_t *reserveSpaceSize) {
  count_call(__func__);
  STAND_IN_TRY(check_handle(handle));
  STAND_IN_TRY(check_set(rnnDesc));
  STAND_IN_TRY(check_data(*rnnDesc, xDesc, rnnDesc->I, "xDesc"));
  if (fwdMode != CUDNN_FWD_MODE_INFERENCE && fwdMode != CUDNN_FWD_MODE_TRAINING) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "fwdMode has no such value");
  }
  if (workSpaceSize != nullptr) *workSpaceSize = workspace_bytes(*rnnDesc, *xDesc);
  if (reserveSpaceSize != nullptr) {
    *reserveSpaceSize = fwdMode == CUDNN_FWD_MODE_TRAINING ? reserve_bytes(*rnnDesc, *xDesc) : 0;
  }
  return CUDNN_STATUS_SUCCESS;
}
