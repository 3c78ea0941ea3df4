use tokio::io::duplex;

use super::*;
use crate::tls::TlsFiles;

/// What comes of an answer that arrives in pieces of so many bytes; and what was asked.
fn ask(answer: &[u8], piece: usize, authorization: Option<&[u8]>) -> (Result<Vec<u8>, Refused>, String) {
    let proxy = Proxy::new("http://proxy:3128", authorization, &TlsFiles::default()).expect("valid");
    let backend = Endpoint::parse("https://[::1]/v1/traces").expect("valid");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    runtime.block_on(async {
        let (client, mut server) = duplex(piece);
        let answer = answer.to_vec();
        let serving = tokio::spawn(async move {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                server.read_buf(&mut asked).await.expect("readable");
            }
            let _ = server.write_all(&answer).await; // fails when the client has heard enough
            drop(server);
            String::from_utf8(asked).expect("text")
        });
        let opening = async {
            let mut tunnel = open(client, &proxy, &backend, |text| text.replace("hunter2", "***")).await?;
            let mut rest = Vec::new();
            tunnel.read_to_end(&mut rest).await.expect("readable");
            Ok(rest)
        };
        let answer: Result<Vec<u8>, Refused> = opening.await;
        (answer, serving.await.expect("served"))
    })
}

#[test]
fn what_the_backend_says_behind_the_answer_is_not_lost() {
    for piece in [1, 7, 4096] {
        let (answer, asked) = ask(
            b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\nearly bird",
            piece,
            None,
        );
        assert_eq!(answer.expect("open"), b"early bird");
        assert_eq!(asked, "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");
    }
}

#[test]
fn credentials_go_to_the_proxy() {
    let (_, asked) = ask(b"HTTP/1.1 200 OK\r\n\r\n", 4096, Some(b"Basic bWU6aHVudGVyMg=="));
    assert!(
        asked.contains("\r\nProxy-Authorization: Basic bWU6aHVudGVyMg==\r\n"),
        "{asked}"
    );
}

#[test]
fn each_refusal_has_words_and_may_be_final() {
    let long = [&b"HTTP/1.1 200 OK\r\n"[..], &vec![b'a'; 20_000]].concat();
    for (answer, why, is_final) in [
        (
            &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..],
            "wants credentials (407 Proxy",
            true,
        ),
        (
            b"HTTP/1.1 403 hunter2 is bad\r\n\r\n",
            "refuses the way to [::1]:443 (403 *** is bad)",
            true,
        ),
        (
            b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
            "does not reach [::1]:443 (502 Bad Gateway)",
            false,
        ),
        (b"HTTP/1.1 429\r\n\r\n", "refuses the way to [::1]:443 (429)", false),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP proxy", true),
        (b"\x15\x03\x01\0\x02", "speaks TLS there", true),
        (b"HTTP/1.1 abc\r\n\r\n", "no status", true),
        (b"HTTP/1.1 \xff\r\n\r\n", "no status", true),
        (b"HTTP/1.1 2", "closed the connection before it answered", false),
        (b"", "closed the connection before it answered", false),
        (&long, "too long", true),
    ] {
        for piece in [1, 4096] {
            let refused = ask(answer, piece, None).0.expect_err(why);
            assert!(refused.why.contains(why), "{refused:?} lacks {why}");
            assert_eq!(refused.is_final, is_final, "{refused:?}");
        }
    }
    let refused = ask(b"HTTP/1.1 407 No\r\n\r\n", 4096, Some(b"Basic x"))
        .0
        .expect_err("refused");
    assert!(
        refused.why.contains("does not take the user and password"),
        "{refused:?}"
    );
}
