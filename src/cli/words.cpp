// The table of words and the look-ups in it.
// Attributes without words are numbers or switches.
#include "cli/words.h"

#include "cli/backends.h"
#include "cli/errors.h"

namespace rondo::cli {
namespace {

std::vector<Word> backend_words() {
  std::vector<Word> words = {{"auto", RONDO_BACKEND_AUTO}};
  for (const rondo_backend_info_t &info : backends()) {
    words.push_back({info.name, info.id});
  }
  return words;
}

}  // namespace

std::vector<Word> words_of(rondo_attribute_t attribute) {
  switch (attribute) {
    case RONDO_ATTR_CELL:
      return {{"rnn_tanh", RONDO_CELL_RNN_TANH},
              {"rnn_relu", RONDO_CELL_RNN_RELU},
              {"lstm", RONDO_CELL_LSTM},
              {"gru", RONDO_CELL_GRU}};
    case RONDO_ATTR_DTYPE:
      return {{"f64", RONDO_F64}, {"f32", RONDO_F32}, {"f16", RONDO_F16}, {"bf16", RONDO_BF16}};
    case RONDO_ATTR_CELL_STATE_TYPE:
    case RONDO_ATTR_PARAM_GRAD_TYPE:
      return {{"storage", RONDO_AS_STORAGE}, {"f32", RONDO_AS_F32}};
    case RONDO_ATTR_LAYOUT:
      return {{"time-major", RONDO_TIME_MAJOR}, {"batch-major", RONDO_BATCH_MAJOR}};
    case RONDO_ATTR_DEVICE:
      return {{"auto", RONDO_DEVICE_AUTO}, {"cpu", RONDO_DEVICE_CPU}, {"cuda", RONDO_DEVICE_CUDA}};
    case RONDO_ATTR_BACKEND:
      return backend_words();
    case RONDO_ATTR_PERSISTENT:
      return {
          {"auto", RONDO_PERSISTENT_AUTO}, {"never", RONDO_PERSISTENT_NEVER}, {"require", RONDO_PERSISTENT_REQUIRE}};
    default:
      return {};
  }
}

std::vector<Word> sequence_words() {
  return {{"full", RONDO_SEQUENCE_FULL},
          {"lengths", RONDO_SEQUENCE_LENGTHS},
          {"packed", RONDO_SEQUENCE_PACKED},
          {"device_lengths", RONDO_SEQUENCE_DEVICE_LENGTHS}};
}

std::vector<Word> mode_words() { return {{"inference", RONDO_INFERENCE}, {"training", RONDO_TRAINING}}; }

std::vector<std::string> texts(const std::vector<Word> &words) {
  std::vector<std::string> list;
  list.reserve(words.size());
  for (const Word &word : words) {
    list.push_back(word.text);
  }
  return list;
}

int64_t value_of(const std::vector<Word> &words, const std::string &text) {
  std::string known;
  for (const Word &word : words) {
    if (word.text == text) {
      return word.value;
    }
    known += (known.empty() ? "" : ", ") + word.text;
  }
  throw UsageError("\"" + text + "\" is none of " + known);
}

std::string text_of(const std::vector<Word> &words, int64_t value) {
  for (const Word &word : words) {
    if (word.value == value) {
      return word.text;
    }
  }
  return std::to_string(value);
}

}  // namespace rondo::cli
