/* Which sanitizer this program is built with, as GCC or Clang tell it.
 * Both replace malloc and follow threads, so some tests step aside or do less. */
#ifndef RONDO_TESTS_API_SANITIZERS_H
#define RONDO_TESTS_API_SANITIZERS_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_UNDER_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define TEST_UNDER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(TEST_UNDER_ASAN)
#define TEST_UNDER_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(TEST_UNDER_TSAN)
#define TEST_UNDER_TSAN 1
#endif
#ifndef TEST_UNDER_ASAN
#define TEST_UNDER_ASAN 0
#endif
#ifndef TEST_UNDER_TSAN
#define TEST_UNDER_TSAN 0
#endif

#endif /* RONDO_TESTS_API_SANITIZERS_H */
