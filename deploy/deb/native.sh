# shellcheck shell=sh disable=SC2154 # sourced by deploy/deb/build.sh, which sets root, work, app, arch, cpu, tool, node, say, fail
# What differs between architectures: the npm packages with machine code in them, and what is compiled here.

# Prints the folder whose node_modules and package-lock.json are those of the target.
node_modules_root() {
  if [ -z "$tool" ]; then
    echo "$root"
    return 0
  fi
  home=$root/build/deb/npm-$cpu
  mkdir -p "$home"
  if ! cmp -s package-lock.json "$home/package-lock.json" || [ ! -d "$home/node_modules" ]; then
    rm -rf "$home/node_modules"
    cp package.json "$home/"
    (cd "$home" && cp "$root/package-lock.json" . && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error \
      --os=linux "--cpu=$cpu" --libc=glibc) >"$work/npm.log" 2>&1 || { cat "$work/npm.log" >&2; rm -f "$home/package-lock.json"; exit 1; }
  fi
  echo "$home"
}

# copy_modules FROM LIST: the listed packages without what only developers and compilers read.
copy_modules() {
  # The patterns are anchored: `node-llama-cpp/...` is that package, `*/test` any folder of that name.
  tar -C "$1" -cf - --anchored \
    --exclude='*.map' --exclude='*.ts' --exclude='*.mts' --exclude='*.cts' --exclude='*/.*' \
    --exclude='*/test' --exclude='*/tests' --exclude='*/example' --exclude='*/examples' --exclude='*/benchmarks' \
    --exclude='*.c' --exclude='*.cc' --exclude='*.cpp' --exclude='*.h' --exclude='*.hpp' --exclude='*.gyp' --exclude='*.gypi' \
    --exclude='node-llama-cpp/llama/gitRelease.bundle' --exclude='node-llama-cpp/llama/addon' \
    --exclude='node-llama-cpp/llama/cmake' --exclude='node-llama-cpp/llama/patches' --exclude='node-llama-cpp/llama/toolchains' \
    --exclude='node-llama-cpp/llama/xpack' --exclude='node-llama-cpp/llama/profiles' --exclude='node-llama-cpp/templates' \
    --exclude='sqlite3/build' --exclude='sqlite3/deps' --exclude='sqlite3/src' --exclude='sqlite3/node-addon-api' \
    --exclude='epoll/build' --exclude='epoll/src' --exclude='koffi/doc' --exclude='koffi/vendor' --exclude='*/musl_*' \
    --exclude='*/libsherpa-onnx-cxx-api.so' --exclude='koffi/cnoke.cjs' --exclude='onoff/integration-test' \
    --exclude='pino/index.html' --exclude='pino/docs' \
    -T "$2" | tar -C "$app/node_modules" -xf -
  find "$app/node_modules" -name '*.md' ! -iname 'licen[cs]e*' -delete
}

# compile_module NAME: the binary of a node-gyp package for the board's Node; kept per version of both.
compile_module() {
  package=$root/node_modules/$1
  key=$1-$(sed -n 's/^ *"version": *"\(.*\)",*$/\1/p' "$package/package.json")-$(basename "$node")-$(sh "$root/deploy/board-node.sh" --version)
  kept=$root/build/deb/native/$key
  if [ ! -d "$kept" ]; then
    say "compiling $key"
    rm -rf "$work/$1" "$kept.new"
    mkdir -p "$kept.new"
    cp -a "$package" "$work/$1"
    rm -rf "$work/$1/build"
    (cd "$work/$1" && CC="${tool}gcc" CXX="${tool}g++" AR="${tool}ar" JOBS=max node "$root/node_modules/node-gyp/bin/node-gyp.js" rebuild \
      "--arch=$cpu" "--nodedir=$node") >"$work/$1.log" 2>&1 || { tail -n 40 "$work/$1.log" >&2; fail "compiling $1 failed"; }
    cp "$work/$1/build/Release/"*.node "$kept.new/"
    rm -rf "$work/${1:?}"
    mv "$kept.new" "$kept"
  fi
  binary=$(echo "$kept"/*.node)
}

install_native() {
  # epoll is bound to one Node; sqlite3's N-API binary is not, so that the one set-up has compiled will do.
  for module in sqlite3 epoll; do
    binary=$root/node_modules/sqlite3/build/Release/node_sqlite3.node
    [ "$module" = sqlite3 ] && [ -z "$tool" ] || compile_module $module
    mkdir -p "$app/node_modules/$module/build/Release"
    strip_to "$binary" "$app/node_modules/$module/build/Release/$(basename "$binary")"
  done
  find "$app/node_modules" -type f \( -name '*.so' -o -name '*.node' \) | while read -r file; do
    "${tool}strip" --strip-unneeded "$file"
    # sherpa-onnx is built with the folder of its build machine in the run path: anyone who can make that folder would be loaded.
    case $("${tool}readelf" --dynamic "$file") in *"/home/runner/"*) patchelf --set-rpath "\$ORIGIN" "$file" ;; esac
    chmod 0644 "$file"
  done
}

strip_to() {
  "${tool}strip" --strip-unneeded -o "$2" "$1"
}

trainer_executable() {
  if [ -z "$tool" ]; then
    echo "$root/build/trainer/asls-trainer"
    return 0
  fi
  sh "$root/deploy/build-trainer.sh" --arch "$cpu" >&2
  echo "$root/build/trainer-$cpu/asls-trainer"
}

# Prints the Depends of every ELF file under a folder: the oldest C and C++ libraries with all the symbols they ask for.
library_dependencies() {
  find "$1" -type f \( -name '*.so' -o -name '*.node' -o -path '*/bin/node' -o -name asls-trainer \) >"$work/elf"
  xargs "${tool}readelf" --version-info --wide <"$work/elf" 2>/dev/null | grep -o 'Name: GLIBC\(XX\)\?_[0-9.]*' | sort -u >"$work/symbols"
  glibc=$(sed -n 's/^Name: GLIBC_//p' "$work/symbols" | sort -V | tail -n 1)
  glibcxx=$(sed -n 's/^Name: GLIBCXX_3\.4\.//p' "$work/symbols" | sort -n | tail -n 1)
  # Release of GCC that brought a version of libstdc++ (gcc.gnu.org, ABI policy and guidelines).
  case "$glibcxx" in
    2[0-5]) gcc=8 ;;
    2[67]) gcc=9 ;;
    28) gcc=9.3 ;;
    29) gcc=11 ;;
    3[0-1]) gcc=12.1 ;;
    32) gcc=13.1 ;;
    33) gcc=14 ;;
    *) fail "which GCC brought GLIBCXX_3.4.$glibcxx? Add it to library_dependencies" ;;
  esac
  xargs "${tool}readelf" --dynamic --wide <"$work/elf" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u >"$work/needed"
  others=
  while read -r library; do
    case "$library" in
      libc.so.6 | libm.so.6 | libdl.so.2 | libpthread.so.0 | librt.so.1 | ld-linux-*) ;;
      libstdc++.so.6 | libgcc_s.so.1) ;;
      # Ours, found beside the file that asks for it.
      libggml* | libllama* | libonnxruntime.so | libsherpa-onnx-c-api.so) ;;
      libatomic.so.1) others="$others, libatomic1" ;;
      libgomp.so.1) others="$others, libgomp1" ;;
      *) fail "a file needs $library, and nobody said which package has it: add it to library_dependencies" ;;
    esac
  done <"$work/needed"
  echo "libc6 (>= $glibc), libgcc-s1, libstdc++6 (>= $gcc)$others"
}
