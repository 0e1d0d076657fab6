#!/usr/bin/env bash
# Makes the relocatable folder of GPU tests from a finished build, and packs it: make_bundle.sh BUILD_DIR OUTPUT_DIR
# OUTPUT_DIR is replaced; OUTPUT_DIR.tar.xz comes beside it, at most 60 MiB. The build must be of these sources.
set -euo pipefail
source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
most_mib=60

die() {
  echo "make_bundle.sh: $*" >&2
  exit 1
}

[ $# = 2 ] || die "takes BUILD_DIR and OUTPUT_DIR"
build=$1 finished=$2 bundle=$2.part
[ -x "$build/bin/rondo" ] || die "there is no bin/rondo in $build"
[ ! -e "$finished" ] || [ -e "$finished/bundle.json" ] || die "$finished is there and is no bundle"
rm -rf "$bundle"
mkdir -p "$bundle"/{bin,lib/fallback,data,share/python}

major=$(sed -n 's/^#define RONDO_VERSION_MAJOR *//p' "$source_root/include/rondo/rondo.h")
modules=rondo-$major

# A library's file under the name by which it is looked for; the build's is a chain of links.
cp -L "$build/lib/librondo.so.$major" "$bundle/lib/"
ln -s "librondo.so.$major" "$bundle/lib/librondo.so"
if [ -d "$build/lib/$modules" ]; then
  mkdir "$bundle/lib/$modules"
  cp -L "$build/lib/$modules"/librondo_*.so "$bundle/lib/$modules/"
fi
for program in rondo rondo_test_numeric rondo_gpu_report rondo_gpu_bench rondo_gpu_soak; do
  cp "$build/bin/$program" "$bundle/bin/" || die "the build has no $program"
done
for program in rondo_gpu_capture rondo_bench_cudnn; do # only where the build found the CUDA toolkit
  [ ! -x "$build/bin/$program" ] || cp "$build/bin/$program" "$bundle/bin/"
done
cp -r "$source_root/tests/golden" "$bundle/data/golden"
cp "$source_root"/tests/bench/{torch_bench,peer_common,peer_shapes}.py "$bundle/share/python/"
cp "$source_root/tests/gpu/run-gpu-tests" "$source_root/LICENSE" "$bundle/"

built=("$bundle"/bin/* "$bundle/lib/librondo.so.$major")
for module in "$bundle/lib/$modules"/*.so; do
  [ ! -e "$module" ] || built+=("$module")
done
strip --strip-unneeded "${built[@]}"

# Third-party libraries: Highway comes along, the compiler's runtime for systems without one, NVIDIA's is looked for.
needed_by() { objdump -p "$@" 2>/dev/null | sed -n 's/^ *NEEDED *//p' | LC_ALL=C sort -u; }
: >"$bundle/needs"
while IFS= read -r library; do
  case $library in
    libc.so.* | libm.so.* | libdl.so.* | librt.so.* | libpthread.so.* | ld-linux* | librondo*) continue ;;
    libcu* | libnv*)
      echo "$library" >>"$bundle/needs"
      continue
      ;;
  esac
  # LD_TRACE prints where the loader finds each library of the program that needs it.
  path=$(ldd "${built[@]}" 2>/dev/null | sed -n "s,^[[:space:]]*$library => \(/[^ ]*\).*,\1,p" | head -n 1)
  [ -n "$path" ] || die "$library is needed and not to be found"
  case $library in
    libstdc++.so.* | libgcc_s.so.*) cp -L "$path" "$bundle/lib/fallback/" ;;
    libhwy.so.*) cp -L "$path" "$bundle/lib/" ;;
    *) die "$library is needed, and this script does not know how it travels" ;;
  esac
done <<<"$(needed_by "${built[@]}")"

# A path of this machine in a program would make it work here and nowhere else.
for file in "${built[@]}"; do
  paths=$(objdump -p "$file" | sed -n 's/^ *R\(UN\)\{0,1\}PATH *//p')
  case $paths in
    *"$source_root"* | *"$(cd "$build" && pwd)"*) die "${file#"$bundle"/} looks for libraries in $paths" ;;
  esac
done

hash_of() { python3 -B "$source_root/tests/gpu_results/kernel_hash.py" "$source_root" "$1"; }
for variant in fused cudnn; do
  module=$bundle/lib/$modules/librondo_$variant.so
  [ ! -e "$module" ] || grep -qaF "$(hash_of "$variant")" "$module" ||
    die "librondo_$variant.so was not built from the sources as they are now"
done
commit=$(git -C "$source_root" rev-parse HEAD 2>/dev/null || echo unknown)
[ -z "$(git -C "$source_root" status --porcelain 2>/dev/null)" ] || commit=$commit-changed
cuda=$(sed -n 's/.*release \([0-9.]*\),.*/\1/p' <<<"$(nvcc --version 2>/dev/null || true)")
cat >"$bundle/bundle.json" <<END
{"commit": "$commit", "cuda": "$cuda", "hashes": {"fused": "$(hash_of fused)", "cudnn": "$(hash_of cudnn)"}}
END

rm -rf "$finished" "$finished.tar.xz"
mv "$bundle" "$finished"
bundle=$finished
tar -C "$(dirname "$bundle")" -c "$(basename "$bundle")" | xz -T0 -6 >"$bundle.tar.xz"
bytes=$(stat -c %s "$bundle.tar.xz")
for module in "$bundle/lib/$modules"/*.so; do
  [ ! -e "$module" ] || echo "$(basename "$module"): $(($(stat -c %s "$module") / 1024)) KiB"
done
echo "$bundle: $(du -sm "$bundle" | cut -f 1) MiB; packed: $((bytes / 1024)) KiB (at most $most_mib MiB)"
[ "$bytes" -le $((most_mib << 20)) ] || die "$bundle.tar.xz is larger than $most_mib MiB"
