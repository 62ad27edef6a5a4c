//! The contracts through the typed client: a whole round, on every chain there is.

use chain::Client;

use crate::fixture::{deployed, start};

#[tokio::test]
async fn deploys_on_the_embedded_chain() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let server = start(dir.path()).await;
    let (client, deployment) = deployed(&server.url()).await;
    assert_eq!(client.funded().await.expect("an answer"), crate::fixture::setup().fund);
    let again = Client::open(&server.url(), crate::fixture::key(1), deployment).await;
    again.expect("the contracts are there");
    server.stop().await;
}
