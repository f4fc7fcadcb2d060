//! Serves the page, its module, and what both need to know of the stack.
//!
//! It calls nobody and may do nothing but write its log: everything it serves is in its binary and its environment.

mod config;
mod handler;
mod origin;
mod policy;
mod site;

use config::Config;
use lambda_http::{Error, run, service_fn};
use site::Site;
use std::convert::Infallible;
use std::future::ready;
use valet_lambda::Metrics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    valet_lambda::init_log();
    let config = valet_lambda::configure(Config::from_lookup)?;
    let site = Site::new(&config);
    // The start is all there is to count.
    let _ = Metrics::new(config.service, "serve-page").started(valet_lambda::now());
    run(service_fn(|request| ready(Ok::<_, Infallible>(handler::respond(&site, &request))))).await
}
