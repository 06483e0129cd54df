//! Encoded bytes in, readable fields and text out. Everything here works on truncated input, holds
//! bounded state, and fails by saying so.

pub mod base64;
pub mod bson;
pub mod bytes;
pub mod carrier;
pub mod charset;
pub mod chunked;
pub mod coding;
pub mod dialect;
pub mod dicom;
pub mod document;
pub mod entity;
pub mod file;
pub mod form;
pub mod header;
pub mod hex;
pub mod json;
pub mod keys;
pub mod media;
pub mod mime;
pub mod multipart;
pub mod percent;
pub mod pieces;
pub mod sniff;
pub mod sql;
pub mod strings;
pub mod tree;
pub mod utf16;
