#!/usr/bin/env bash
# A module that is missing, broken, foreign or of another build is a reason in `rondo info` and never a crash.
# Usage: test_modules.sh RONDO CC
set -euo pipefail
rondo=$1 cc=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export RONDO_MODULE_PATH=$scratch
module=$scratch/librondo_fused.so
count=0

says() { # NAME WORDS...: info's line for the fused back end holds the words, and the others are as they were
  local name=$1 line words
  shift
  line=$("$rondo" info | grep -A1 '^ *fused ') || { echo "$name: info failed"; exit 1; }
  for words in "$@"; do
    [[ $line == *"$words"* ]] || { echo "$name: expected '$words' in: $line"; exit 1; }
  done
  "$rondo" info | grep -q 'cpu .*available' || { echo "$name: the cpu is gone"; exit 1; }
  count=$((count + 1))
}

refused() { # WORDS: a plan forced to the back end fails with the same reason
  local text
  if text=$("$rondo" explain --input-size 2 --hidden-size 2 --backend fused 2>&1); then
    echo "a plan on a missing module was made"
    exit 1
  fi
  [[ $text == *"$1"* ]] || { echo "expected '$1' in: $text"; exit 1; }
  count=$((count + 1))
}

compile() { # the text on standard input becomes the module
  "$cc" -shared -fPIC -x c - -o "$module"
}

# The library alone in a folder: its own modules, where the build has them, lie beside the other copy.
library=$(ldd "$rondo" | sed -n 's,.*librondo\.so[^ ]* => \([^ ]*\) .*,\1,p')
mkdir "$scratch/alone"
cp -L "$library" "$scratch/alone/"
alone=$(LD_LIBRARY_PATH=$scratch/alone "$rondo" info)
for name in cudnn fused; do
  [[ $alone == *"librondo_$name.so is not installed: not in $scratch and $scratch/alone/rondo-"* ]] ||
    { echo "without librondo_$name.so: $alone"; exit 1; }
  count=$((count + 1))
done

echo 'no library' >"$module"
says 'no ELF file' missing "$module" 'cannot be loaded'
refused 'cannot be loaded'

compile <<<'int nothing;'
says 'no symbols' 'is no module of rondo'

compile <<<'const char *rondo_module_build(void) { return "0.0.1-of-old"; }
const void *rondo_module_entry(void) { __builtin_trap(); }'
says 'another build' 'is of another build, 0.0.1-of-old'
refused 'another build'

compile <<<'extern int rondo_is_nowhere(void);
int rondo_module_uses(void) { return rondo_is_nowhere(); }'
says 'a library it needs is missing' 'cannot be loaded' 'rondo_is_nowhere'

echo "$count passed, 0 failed"
