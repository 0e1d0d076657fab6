// Where librondo lies, for the linker and for the program: RONDO_LIBRARY_DIR, or else the system's own folders.
// A program that is installed elsewhere wants another rpath, or none.
fn main() {
    println!("cargo:rerun-if-env-changed=RONDO_LIBRARY_DIR");
    if let Ok(folder) = std::env::var("RONDO_LIBRARY_DIR") {
        println!("cargo:rustc-link-search=native={}", folder);
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder);
    }
}
