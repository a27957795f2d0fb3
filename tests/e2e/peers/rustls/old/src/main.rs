// SPDX-License-Identifier: Apache-2.0
//! Both ends of HTTP/1.1 over rustls 0.21:
//!   old serve PORT CERTIFICATE KEY      (DER)
//!   old ask PORT CONNECTIONS REQUESTS   one connection after the other
include!("../../streams.rs");

use rustls::client::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{Certificate, ClientConfig, DigitallySignedStruct, Error, PrivateKey, ServerConfig, ServerName};
use std::sync::Arc;

struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(&self, _: &Certificate, _: &[Certificate], _: &ServerName, _: &mut dyn Iterator<Item = &[u8]>,
                          _: &[u8], _: std::time::SystemTime) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(&self, _: &[u8], _: &Certificate, _: &DigitallySignedStruct)
                              -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(&self, _: &[u8], _: &Certificate, _: &DigitallySignedStruct)
                              -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let port = words[2].parse().unwrap();
    if words[1] == "serve" {
        let certificate = Certificate(std::fs::read(&words[3]).unwrap());
        let key = PrivateKey(std::fs::read(&words[4]).unwrap());
        let config = ServerConfig::builder().with_safe_defaults().with_no_client_auth()
            .with_single_cert(vec![certificate], key).unwrap();
        let config = Arc::new(config);
        serve(move || rustls::ServerConnection::new(config.clone()).unwrap(), port);
        return;
    }
    let config = Arc::new(ClientConfig::builder().with_safe_defaults()
        .with_custom_certificate_verifier(Arc::new(Anybody)).with_no_client_auth());
    for c in 0..words[3].parse().unwrap() {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = rustls::ClientConnection::new(config.clone(), name).unwrap();
        ask(connection, port, c, words[4].parse().unwrap(), None);
    }
}
