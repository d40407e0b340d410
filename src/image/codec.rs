//! Bytes of an image: a hand-coded header, then the payload. The only file that names bincode's functions.
//!
//! | offset | size | what |
//! |---|---|---|
//! | 0 | 8 | magic `SPKLOOM\0` |
//! | 8 | 4 | format version, little-endian |
//! | 12 | 4 | flags, 0 |
//! | 16 | 32 | digest of the chip that the image is compiled for |
//! | 48 | 8 | length of the payload in bytes |
//! | 56 | 32 | BLAKE3 of bytes 0..56 and of the payload |
//! | 88 | | payload: bincode 2, fixed-width integers, little-endian |

use std::fs::File;
use std::io::{BufReader, Cursor, Error, ErrorKind, Read, Result as IoResult, Seek, SeekFrom};
use std::path::Path;

use bincode::Encode;
use bincode::enc::write::SizeWriter;

use super::Image;
use crate::diag::{Problem, Result};
use crate::digest::{Digest, Digester};

const MAGIC: [u8; 8] = *b"SPKLOOM\0";
/// The version that this program writes and reads.
pub const VERSION: u32 = 1;
/// Bytes before the payload.
pub const HEADER_LENGTH: usize = 88;
const CHECKED: usize = 56;
/// Bytes of a file that are read at a time.
const CHUNK: usize = 1 << 18;

/// What the header says, after it was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Format version.
    pub version: u32,
    /// Digest of the chip that the image is for.
    pub chip: Digest,
    /// Bytes of payload.
    pub payload: u64,
    /// Checksum of header and payload: the identity of the image.
    pub checksum: Digest,
}

/// The bytes of an image for the chip with this digest.
#[must_use]
pub fn encode(image: &Image, chip: Digest) -> Vec<u8> {
    const PLAIN: &str = "an image has only plain data and encoding to memory cannot fail";
    let config = bincode::config::standard().with_fixed_int_encoding();
    let mut counter = bincode::enc::EncoderImpl::new(SizeWriter::default(), config);
    image.encode(&mut counter).expect(PLAIN);
    let length = counter.into_writer().bytes_written;
    let mut bytes = Vec::with_capacity(HEADER_LENGTH + length);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&0_u32.to_le_bytes());
    bytes.extend_from_slice(&chip.0);
    bytes.extend_from_slice(&(length as u64).to_le_bytes());
    bytes.resize(HEADER_LENGTH, 0);
    // Large images are not in memory twice: the payload goes straight to its place, and the checksum before it.
    bincode::encode_into_std_write(image, &mut bytes, config).expect(PLAIN);
    let checksum = checksum(&bytes[..CHECKED], &mut &bytes[HEADER_LENGTH..]).expect("memory can be read");
    bytes[CHECKED..HEADER_LENGTH].copy_from_slice(&checksum.0);
    bytes
}

/// Reads bytes that [`encode`] wrote. `file` is named in problems. The image is well-formed but not yet checked
/// against a chip: see [`super::check`].
///
/// # Errors
/// `image/short`, `image/magic`, `image/version`, `image/flags`, `image/length`, `image/checksum`, `image/payload`.
pub fn decode(bytes: &[u8], file: &str) -> Result<(Image, Header)> {
    decode_from(Cursor::new(bytes), bytes.len() as u64, file)
}

/// Reads an image file, part by part: it is never in memory beside what it decodes to.
///
/// # Errors
/// `image/unreadable`, and those of [`decode`].
pub fn read(path: &Path) -> Result<(Image, Header)> {
    let file = path.display().to_string();
    let opened = File::open(path).and_then(|opened| Ok((opened.metadata()?, opened)));
    let (metadata, opened) = opened.map_err(|error| unreadable(&file, &error))?;
    if !metadata.is_file() {
        return Err(unreadable(&file, &Error::other("it is no file")).into());
    }
    decode_from(BufReader::with_capacity(CHUNK, opened), metadata.len(), &file)
}

fn unreadable(file: &str, error: &Error) -> Problem {
    Problem::invalid("image/unreadable", file, error.to_string()).help("name an image that `compile` wrote")
}

/// Twice through the payload: once for the checksum, then to decode it.
fn decode_from(mut source: impl Read + Seek, length: u64, file: &str) -> Result<(Image, Header)> {
    let mut head = Vec::with_capacity(HEADER_LENGTH);
    source.by_ref().take(HEADER_LENGTH as u64).read_to_end(&mut head).map_err(|error| unreadable(file, &error))?;
    let header = read_header(&head, length, file)?;
    let checksum = checksum(&head[..CHECKED], &mut source).map_err(|error| unreadable(file, &error))?;
    if checksum != header.checksum {
        return Err(Problem::invalid("image/checksum", file, "the contents do not match the checksum")
            .help("the file is damaged; copy or compile it again")
            .into());
    }
    source.seek(SeekFrom::Start(HEADER_LENGTH as u64)).map_err(|error| unreadable(file, &error))?;
    let mut image = decode_payload(source, header.payload).map_err(|error| {
        Problem::invalid("image/payload", file, format!("the payload does not decode: {error}"))
            .help("the checksum is right, so the writer was wrong: compile the network again and report this")
    })?;
    image.gather_rows();
    Ok((image, header))
}

/// The header of a file of `length` bytes; its checksum is not yet compared.
fn read_header(bytes: &[u8], length: u64, file: &str) -> Result<Header> {
    let again = "compile the network again with this program";
    if bytes.len() < HEADER_LENGTH {
        return Err(Problem::invalid("image/short", file, format!("{} bytes are too few for an image", bytes.len()))
            .limit(format!("a header has {HEADER_LENGTH} bytes"))
            .help("the file is cut off or is no image; name one that `compile` wrote")
            .into());
    }
    if bytes[..8] != MAGIC {
        return Err(Problem::invalid("image/magic", file, "this is not a spikeloom image")
            .help("compile the network first (.nir, .h5, .hdf5, .json): spikeloom compile NET --chip CHIP -o FILE")
            .into());
    }
    let version = u32::from_le_bytes(array(bytes, 8));
    if version != VERSION {
        return Err(Problem::invalid("image/version", file, format!("format version {version}"))
            .limit(format!("this program reads version {VERSION}"))
            .help(again)
            .into());
    }
    let flags = u32::from_le_bytes(array(bytes, 12));
    if flags != 0 {
        return Err(Problem::invalid("image/flags", file, format!("unknown flags {flags:#x}")).help(again).into());
    }
    let payload = u64::from_le_bytes(array(bytes, 48));
    let present = length.saturating_sub(HEADER_LENGTH as u64);
    if payload != present {
        return Err(Problem::invalid("image/length", file, format!("the payload has {present} bytes"))
            .limit(format!("the header announces {payload}"))
            .help("the file is cut off or was appended to; copy or compile it again")
            .into());
    }
    Ok(Header { version, chip: Digest(array(bytes, 16)), payload, checksum: Digest(array(bytes, CHECKED)) })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the header's length was checked")
}

/// Of a header and all that follows.
fn checksum(header: &[u8], payload: &mut impl Read) -> IoResult<Digest> {
    let mut digester = Digester::default();
    digester.bytes(header);
    let mut chunk = vec![0; CHUNK];
    loop {
        match payload.read(&mut chunk) {
            Ok(0) => return Ok(digester.finish()),
            Ok(read) => digester.bytes(&chunk[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Decodes with a memory bound of 16 to 256 times the payload: no element takes more than 16 times its encoded
/// size in memory (the worst is an absent `Destination`: 1 byte encoded, 12 in memory).
fn decode_payload(payload: impl Read, length: u64) -> std::result::Result<Image, String> {
    let mut payload = payload.take(length);
    let image = match length {
        0..=0xF_FFFF => decode_within::<{ 1 << 24 }>(&mut payload),
        0x10_0000..=0xFF_FFFF => decode_within::<{ 1 << 28 }>(&mut payload),
        0x100_0000..=0xFFF_FFFF => decode_within::<{ 1 << 32 }>(&mut payload),
        _ => decode_within::<{ 1 << 36 }>(&mut payload),
    }
    .map_err(|error| error.to_string())?;
    match payload.limit() {
        0 => Ok(image),
        left => Err(format!("{left} bytes are left over")),
    }
}

fn decode_within<const LIMIT: usize>(
    payload: &mut impl Read,
) -> std::result::Result<Image, bincode::error::DecodeError> {
    bincode::decode_from_std_read(payload, bincode::config::standard().with_fixed_int_encoding().with_limit::<LIMIT>())
}

#[cfg(test)]
mod tests {
    use super::super::tests::small;
    use super::*;

    #[test]
    fn an_image_survives_the_round_trip() {
        let image = small();
        let chip = Digest::of(b"chip");
        let (read, header) = decode(&encode(&image, chip), "f").expect("decodes");
        assert_eq!(read, image);
        assert_eq!((header.version, header.chip), (VERSION, chip));
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_refused() {
        let bytes = encode(&small(), Digest::of(b"chip"));
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                assert!(decode(&damaged, "f").is_err(), "byte {at} ^ {flip:#x}");
            }
            assert!(decode(&bytes[..at], "f").is_err(), "cut at {at}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(decode(&longer, "f").expect_err("too long").has("image/length"));
    }

    /// A payload with a right checksum that announces a huge vector is refused before memory is spent.
    #[test]
    fn a_hostile_length_is_refused() {
        let mut payload = Vec::new();
        payload.extend_from_slice(&u64::MAX.to_le_bytes());
        payload.resize(64, 0);
        let mut bytes = encode(&small(), Digest::default())[..48].to_vec();
        bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
        let sum = checksum(&bytes, &mut payload.as_slice()).expect("memory");
        bytes.extend_from_slice(&sum.0);
        bytes.extend_from_slice(&payload);
        assert!(decode(&bytes, "f").expect_err("hostile").has("image/payload"));
    }
}
