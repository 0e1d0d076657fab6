# Sourced by build.sh: runs the stages of a test one after another, keeps time and counts, and sums them up at the end.
# A stage that fails does not stop the next; the summary does the failing.
# shellcheck shell=bash disable=SC2154  # jobs and fixed_addresses are build.sh's

results=build/results # a line of counts for each stage, and CTest's reports

stage() { # NAME COMMAND...: runs it, and notes result, seconds and cases (passed failed skipped) for summary
  local name=$1 started=$SECONDS status result passed failed skipped
  shift
  printf '\n=== %s\n' "$name"
  export stage_cases=$results/$name.cases
  # In a condition bash would ignore failures inside the stage; so its status is taken without one.
  set +e
  (
    set -e
    "$@"
  ) 2>&1
  status=$?
  set -e
  # A stage that is no CTest run counts as one case; 77 is "skipped".
  if [ -s "$stage_cases" ]; then
    read -r passed failed skipped <"$stage_cases"
    [ $status = 0 ] || [ "$failed" -gt 0 ] || failed=1
  else
    passed=0 failed=0 skipped=0
    case $status in 0) passed=1 ;; 77) skipped=1 ;; *) failed=1 ;; esac
  fi
  result=passed
  [ "$skipped" = 0 ] || [ "$passed" != 0 ] || result=skipped
  [ "$failed" = 0 ] || result=FAILED
  printf '%-10s %-8s %5d s %6d passed %4d failed %4d skipped\n' \
    "$name" "$result" $((SECONDS - started)) "$passed" "$failed" "$skipped" | tee -a "$results/summary"
}

begin_stages() {
  rm -rf "$results"
  mkdir -p "$results"
}

summary() { # the stages' lines, then all cases in one; fails where one failed
  printf '\n=== summary (%d s)\n' "$SECONDS"
  cat "$results/summary"
  [ ! -f "$results/notes" ] || cat "$results/notes"
  awk '{ passed += $5; failed += $7; skipped += $9 }
    END { line = passed " passed, " failed " failed"; if (skipped) line = line ", " skipped " skipped"
          print line; exit (failed > 0 || passed == 0) }' "$results/summary"
}

run_ctest() { # PRESET [CTEST OPTION...]: the tests chosen, counted from CTest's own report
  local preset=$1 report status=0 as=()
  shift
  report=$PWD/$results/${stage_cases##*/}.xml
  [ "$preset" != tsan ] || as=("${fixed_addresses[@]}")
  "${as[@]}" ctest --preset "$preset" --parallel "$jobs" --output-junit "$report" "$@" </dev/null || status=$?
  if [ -s "$report" ]; then
    awk -v RS='[ \t\n]' -F'"' '
      /^tests="/ && !("tests" in n) { n["tests"] = $2 }
      /^failures="/ && !("failures" in n) { n["failures"] = $2 }
      /^disabled="/ && !("disabled" in n) { n["disabled"] = $2 }
      /^skipped="/ && !("skipped" in n) { n["skipped"] = $2 }
      END { away = n["skipped"] + n["disabled"]; print n["tests"] - n["failures"] - away, n["failures"] + 0, away }
      ' "$report" >"$stage_cases"
  fi
  # What each back end's suite counted, added up over its runs, stands in the summary too.
  awk -v preset="$preset" -F': ' '
    /^numeric on / { split($2, n, " "); cases[$1] += n[1]; refused[$1] += n[6] }
    END { for (name in cases) print preset ": " name ": " cases[name] " cases against the oracle, " refused[name] " refused" }
    ' "build/$preset/Testing/Temporary/LastTest.log" | LC_ALL=C sort | tee -a "$results/notes"
  # The numeric suite's worst errors, which CTest keeps to itself where a test passes.
  awk '/: worst error/ { on = 1; print; next } on && /^  / { print; next } { on = 0 }' \
    "build/$preset/Testing/Temporary/LastTest.log"
  return $status
}
