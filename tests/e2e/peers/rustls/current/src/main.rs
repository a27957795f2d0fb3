// SPDX-License-Identifier: Apache-2.0
//! Both ends of HTTP over rustls 0.23, certificate and key in DER:
//!   current serve PORT CERTIFICATE KEY             hyper on tokio
//!   current ask PORT CONNECTIONS REQUESTS h1|h2    hyper on tokio, all connections at once
//!   current stream-serve PORT CERTIFICATE KEY      rustls's own streams
//!   current stream-ask PORT CONNECTIONS REQUESTS [FIFO]   the same, one connection after the other
//! A client says of each connection which port it has.
include!("../../streams.rs");

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{client, server, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme};
use std::sync::Arc;
use tokio_rustls::{TlsAcceptor, TlsConnector};

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(&self, _: &CertificateDer, _: &[CertificateDer], _: &ServerName, _: &[u8], _: UnixTime)
                          -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(&self, _: &[u8], _: &CertificateDer, _: &DigitallySignedStruct)
                              -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(&self, _: &[u8], _: &CertificateDer, _: &DigitallySignedStruct)
                              -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn server_config(words: &[String]) -> ServerConfig {
    let certificate = CertificateDer::from(std::fs::read(&words[3]).unwrap());
    let key = PrivateKeyDer::Pkcs8(std::fs::read(&words[4]).unwrap().into());
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

fn client_config(protocol: &str) -> ClientConfig {
    let mut config = ClientConfig::builder().dangerous().with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    config
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    Ok(Response::new(Full::new(request.into_body().collect().await?.to_bytes())))
}

async fn hyper_serve(config: ServerConfig, port: u16) {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(tls) = acceptor.accept(socket).await else { return };
            let h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
            let tls = TokioIo::new(tls);
            let _ = match h2 {
                true => server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(tls, service_fn(answer)).await,
                false => server::conn::http1::Builder::new().serve_connection(tls, service_fn(answer)).await,
            };
        });
    }
}

async fn hyper_ask(config: Arc<ClientConfig>, port: u16, c: usize, count: usize, h2: bool) {
    let socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    println!("{c} {}", socket.local_addr().unwrap().port());
    let name = ServerName::try_from("localhost").unwrap();
    let tls = TokioIo::new(TlsConnector::from(config).connect(name, socket).await.unwrap());
    let (mut h1_sender, mut h2_sender) = (None, None);
    if h2 {
        let (sender, connection) = client::conn::http2::handshake(TokioExecutor::new(), tls).await.unwrap();
        tokio::spawn(connection);
        h2_sender = Some(sender);
    } else {
        let (sender, connection) = client::conn::http1::handshake(tls).await.unwrap();
        tokio::spawn(connection);
        h1_sender = Some(sender);
    }
    for n in 0..count {
        let body = Full::new(Bytes::from(body_of(c, n)));
        let at = if h2 { "https://localhost" } else { "" };
        let request = Request::post(format!("{at}/{c}/{n}")).header("x-there", "there").body(body).unwrap();
        let response = match (&mut h1_sender, &mut h2_sender) {
            (Some(sender), _) => sender.send_request(request).await.unwrap(),
            (_, Some(sender)) => sender.send_request(request).await.unwrap(),
            _ => unreachable!(),
        };
        assert!(response.status() == 200);
        assert!(response.into_body().collect().await.unwrap().to_bytes() == body_of(c, n));
    }
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    let port = words[2].parse().unwrap();
    let number = |at: usize| words[at].parse().unwrap();
    match words[1].as_str() {
        "serve" => hyper_serve(server_config(&words), port).await,
        "stream-serve" => {
            let config = Arc::new(server_config(&words));
            serve(move || rustls::ServerConnection::new(config.clone()).unwrap(), port);
        }
        "stream-ask" => {
            let config = Arc::new(client_config("http/1.1"));
            for c in 0..number(3) {
                let name = ServerName::try_from("localhost").unwrap();
                let connection = rustls::ClientConnection::new(config.clone(), name).unwrap();
                ask(connection, port, c, number(4), words.get(5));
            }
        }
        _ => {
            let config = Arc::new(client_config(if words[5] == "h2" { "h2" } else { "http/1.1" }));
            let all: Vec<_> = (0..number(3))
                .map(|c| tokio::spawn(hyper_ask(config.clone(), port, c, number(4), words[5] == "h2"))).collect();
            for one in all {
                one.await.unwrap();
            }
        }
    }
}
