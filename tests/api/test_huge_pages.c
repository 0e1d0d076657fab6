/* Huge pages are asked for in the workspace and the reserve that a call brings, in each anew that it brings later, and
 * nowhere else; what a call computes stays the same. */
#define _DEFAULT_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"
#include "problem.h"

enum { MOST_LINE = 4096 };
static const size_t page = (size_t)2 << 20;

/* Untouched memory from a huge page's border on, with a margin of another behind it. */
static char *map_region(size_t bytes) {
  char *mapped = mmap(NULL, bytes + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    printf("no memory for a test's region\n");
    exit(EXIT_FAILURE);
  }
  return mapped + (page - (uintptr_t)mapped % page) % page;
}

/* Whether the system says of the mapping around `address` that huge pages are wished for there. */
static int wished_for(const void *address) {
  char line[MOST_LINE];
  int inside = 0, wished = 0;
  FILE *maps = fopen("/proc/self/smaps", "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    unsigned long first = 0, last = 0;
    if (sscanf(line, "%lx-%lx ", &first, &last) == 2) {
      inside = first <= (uintptr_t)address && (uintptr_t)address < last;
    } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
      wished = strstr(line, " hg") != NULL;
    }
  }
  if (maps != NULL) {
    fclose(maps);
  }
  return wished;
}

static int system_tells(void) {
#ifdef MADV_HUGEPAGE
  char *region = map_region(page);
  return madvise(region, page, MADV_HUGEPAGE) == 0 && wished_for(region);
#else
  return 0;
#endif
}

static void run(const problem_t *problem) {
  CHECK_OK(rondo_forward(problem->plan, &problem->forward));
  CHECK_OK(rondo_backward(problem->plan, &problem->backward));
}

/* Whether forward and backward with this workspace and reserve give what `own` gave with its own. */
static int same_with(const problem_t *own, char *workspace, char *reserve) {
  problem_t other;
  CHECK_OK(problem_share(&other, own));
  other.forward.workspace = other.backward.workspace = workspace;
  other.forward.reserve = other.backward.reserve = reserve;
  run(&other);
  int same = problem_same_outputs(own, &other);
  problem_close(&other);
  return same;
}

static void large_memory_is_asked_for(void) {
  problem_config_t config = problem_defaults();
  config.cell = RONDO_CELL_RNN_TANH;
  config.I = config.H = 1024;
  config.T = 32;
  config.N = 16;
  problem_t problem;
  CHECK_OK(problem_open(&problem, &config));
  size_t workspace_size = (size_t)problem.workspace_size, reserve_size = (size_t)problem.reserve_size;
  CHECK(workspace_size >= 2 * page && reserve_size >= 2 * page);
  run(&problem);
  for (int round = 0; round < 2; ++round) {
    char *workspace = map_region(workspace_size), *reserve = map_region(reserve_size);
    CHECK(!wished_for(workspace) && !wished_for(reserve));
    CHECK(same_with(&problem, workspace, reserve));
    CHECK(wished_for(workspace) && wished_for(reserve));
    CHECK(!wished_for(workspace + workspace_size / page * page + page));
    CHECK(!wished_for(reserve + reserve_size / page * page + page));
  }
  problem_close(&problem);
}

static void small_memory_is_left_alone(void) {
  problem_config_t config = problem_defaults();
  problem_t problem;
  CHECK_OK(problem_open(&problem, &config));
  run(&problem);
  char *workspace = map_region(page), *reserve = map_region(page);
  CHECK(same_with(&problem, workspace, reserve));
  CHECK(!wished_for(workspace) && !wished_for(reserve));
  problem_close(&problem);
}

int main(void) {
  if (!system_tells()) {
    printf("skipped: this system has no huge pages or does not tell where they are wished for\n");
    return CHECK_SKIPPED;
  }
  large_memory_is_asked_for();
  small_memory_is_left_alone();
  return check_summary();
}
