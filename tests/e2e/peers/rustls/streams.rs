// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over rustls's own blocking streams, for any version of it that is called `rustls` where this is included.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// The bytes of request n of connection c, and of its answer.
fn body_of(c: usize, n: usize) -> Vec<u8> {
    vec![b'a' + (n % 26) as u8; (c * 131 + n * 37) % 5000]
}

/// A message's body, once its head is read: the first line, and how long the body is.
fn read_head(stream: &mut impl BufRead) -> Option<(String, usize)> {
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first).ok().filter(|&n| n > 0)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|&n| n > 0)?;
        if line == "\r\n" {
            return Some((first, length));
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
}

fn read_message(stream: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (first, length) = read_head(stream)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((first, body))
}

/// Asks `count` times over one connection, which is number `c`; before each but the first it reads the FIFO `go`.
fn ask(connection: rustls::ClientConnection, port: u16, c: usize, count: usize, go: Option<&String>) {
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_nodelay(true).unwrap();
    println!("{c} {}", socket.local_addr().unwrap().port());
    let mut stream = BufReader::new(rustls::StreamOwned::new(connection, socket));
    for n in 0..count {
        if let (Some(path), true) = (go, n > 0) {
            println!("waits");
            std::fs::read(path).unwrap();
        }
        let body = body_of(c, n);
        let head = format!("POST /{c}/{n} HTTP/1.1\r\nHost: there\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.get_mut().write_all(head.as_bytes()).unwrap();
        stream.get_mut().write_all(&body).unwrap();
        let (first, answer) = read_message(&mut stream).unwrap();
        assert!(first.starts_with("HTTP/1.1 200") && answer == body);
    }
}

/// Answers with what was asked, a thread a connection, for ever.
fn serve(make: impl Fn() -> rustls::ServerConnection + Clone + Send + 'static, port: u16) {
    for socket in TcpListener::bind(("127.0.0.1", port)).unwrap().incoming() {
        let (make, socket) = (make.clone(), socket.unwrap());
        std::thread::spawn(move || {
            socket.set_nodelay(true).unwrap();
            let mut stream = BufReader::new(rustls::StreamOwned::new(make(), socket));
            while let Some((_, body)) = read_message(&mut stream) {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                let parts = [std::io::IoSlice::new(head.as_bytes()), std::io::IoSlice::new(&body)];
                let mut sent = stream.get_mut().write_vectored(&parts).unwrap();
                for part in [head.as_bytes(), &body] {
                    let here = sent.min(part.len());
                    sent -= here;
                    stream.get_mut().write_all(&part[here..]).unwrap();
                }
            }
        });
    }
}
