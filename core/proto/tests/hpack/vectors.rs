//! The stories of http2jp/hpack-test-case (tests/data/hpack-test-case): what eleven encoders made of the same messages.

use std::io::Read;

use flare_proto::hpack::{Decoder, Encoder};
use serde_json::Value;

use crate::{Field, decode};

/// Calls with each story: its path and its JSON.
fn stories(mut each: impl FnMut(&str, &Value)) {
    let packed = include_bytes!("../data/hpack-test-case/hpack-test-case.json.tar.xz");
    let mut unpacked = Vec::new();
    lzma_rs::xz_decompress(&mut &packed[..], &mut unpacked).unwrap();
    for entry in tar::Archive::new(&unpacked[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let path = entry.path().unwrap().display().to_string();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            each(&path, &serde_json::from_str(&text).unwrap());
        }
    }
}

fn fields(case: &Value) -> Vec<Field> {
    let fields = case["headers"].as_array().unwrap().iter().map(|field| field.as_object().unwrap());
    fields
        .flat_map(|field| field.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap())))
        .map(|(name, value)| (name.into_bytes(), value.as_bytes().to_vec()))
        .collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn every_story_is_read_and_written() {
    let (mut read, mut written, mut sections) = (0, 0, 0);
    stories(|path, story| {
        let (mut decoder, mut own_decoder) = (Decoder::new(), Decoder::new());
        let mut encoder = Encoder::new(4096);
        for case in story["cases"].as_array().unwrap() {
            let expected = fields(case);
            if let Some(size) = case["header_table_size"].as_u64() {
                decoder.set_table_limit(size as u32);
                encoder.set_table_limit(size as u32);
                own_decoder.set_table_limit(size as u32);
            }
            if let Some(wire) = case["wire"].as_str() {
                assert_eq!(
                    decode(&mut decoder, &bytes(wire)).unwrap(),
                    expected,
                    "{path}: {}",
                    case["seqno"]
                );
                sections += 1;
            }
            let mut out = Vec::new();
            encoder.begin(&mut out);
            for (name, value) in &expected {
                encoder.encode(&mut out, name, value);
            }
            assert_eq!(decode(&mut own_decoder, &out).unwrap(), expected, "{path}: {}", case["seqno"]);
        }
        read += usize::from(story["cases"][0]["wire"].is_string());
        written += 1;
    });
    assert!(read > 400 && written > read && sections > 10_000, "{read} {written} {sections}");
}
