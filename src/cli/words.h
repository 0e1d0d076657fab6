// The words that stand for enumerated values on the command line and in output, in one table.
// Names of back ends come from the library, so that a new one needs no change here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rondo/rondo.h"

namespace rondo::cli {

struct Word {
  std::string text;
  int64_t value;
};

// The words of an attribute's values, in the enumeration's order; empty where the attribute is a number.
std::vector<Word> words_of(rondo_attribute_t attribute);
std::vector<Word> sequence_words();
std::vector<Word> mode_words();

std::vector<std::string> texts(const std::vector<Word> &words);
// The value of a word of the list.
int64_t value_of(const std::vector<Word> &words, const std::string &text);
// The word of a value, or the number itself where there is none.
std::string text_of(const std::vector<Word> &words, int64_t value);

}  // namespace rondo::cli
