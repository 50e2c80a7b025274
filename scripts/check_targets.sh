#!/usr/bin/env bash
# Whether Ferrotype compiles for other machines than this one, and whether its kernels compute there what they should, as far as an emulator
# tells.
#
#   scripts/check_targets.sh [TARGET...]      # by default those of TARGETS below
#
# A target whose standard library rustup has is checked with it (`rustup target add TARGET`); of others the library is compiled, too, which
# takes rustc's sources and RUSTC_BOOTSTRAP=1 (Debian: rustc-web and rust-web-src, and RUSTC=/usr/bin/rustc). C parts (mimalloc, ring) need a C
# compiler for the target (Debian: gcc-aarch64-linux-gnu, gcc-mingw-w64-x86-64). Those for macOS need its SDK: where there is none they are
# left out, and Rust's alone is checked, to which their objects do not matter.
set -euo pipefail
cd "$(dirname "$0")/.."

TARGETS=(aarch64-unknown-linux-gnu x86_64-pc-windows-gnu aarch64-apple-darwin)
export CARGO_TERM_COLOR=never CC_x86_64_pc_windows_gnu="${CC_x86_64_pc_windows_gnu:-x86_64-w64-mingw32-gcc-posix}"
rustc="${RUSTC:-rustc}"
folder="${CARGO_TARGET_DIR:-target/targets}"
failed=()

has_library() {
    local lib
    lib=$("$rustc" --print target-libdir --target "$1" 2>/dev/null) && compgen -G "$lib/libstd-*.rlib" >/dev/null
}

# A C compiler for macOS that makes empty objects.
if ! command -v xcrun >/dev/null && [ -z "${CC_aarch64_apple_darwin:-}" ]; then
    stub=$(mktemp -d)
    trap 'rm -rf "$stub"' EXIT
    cat >"$stub/cc" <<'END'
#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
        # What the crate cc asks to know the compiler.
        -E) echo '"clang"' ;;
        '-?') exit 1 ;;
        -o) : >"$2" ;;
    esac
    shift
done
END
    chmod +x "$stub/cc"
    export CC_aarch64_apple_darwin="$stub/cc" AR_aarch64_apple_darwin=ar
fi

for target in "${@:-${TARGETS[@]}}"; do
    std=()
    has_library "$target" || std=(-Zbuild-std=std,panic_unwind)
    echo "== $target: cargo check"
    cargo check --release --locked --workspace --exclude ferrotype-python --target "$target" --target-dir "$folder" "${std[@]}" ||
        failed+=("$target")
done

if has_library aarch64-unknown-linux-gnu && command -v qemu-aarch64 >/dev/null; then
    echo "== aarch64-unknown-linux-gnu: the kernels' tests in qemu"
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64
    # Without shared libraries: qemu 7.2 hangs where glibc's dynamic loader makes a thread.
    RUSTFLAGS="-C target-feature=+crt-static" cargo test --release --locked -p ferrotype-kernels --target aarch64-unknown-linux-gnu --target-dir "$folder" ||
        failed+=("the kernels on aarch64")
fi
[ ${#failed[@]} = 0 ] || { printf 'failed: %s\n' "${failed[@]}"; exit 1; }
