//! The document in the tree is the one that the code makes.

#[test]
fn the_document_in_docs_is_what_make_openapi_writes() {
    let kept = include_str!("../../../docs/openapi.json");
    assert!(
        kept == valet_http::openapi::document(),
        "docs/openapi.json is not what the code says; run `make openapi`"
    );
}
