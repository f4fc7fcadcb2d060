//! Prints the `OpenAPI` document, as `make openapi` keeps it in `docs/openapi.json`.
#![expect(clippy::print_stdout, reason = "what it prints is the document")]

fn main() {
    print!("{}", valet_http::openapi::document());
}
