//! What files are by how they begin.

/// Beginnings, their places, the ending of such a file's name, and whether it is a video.
const KINDS: [(&[u8], usize, &str, bool); 19] = [
    (b"\x89PNG", 0, "png", false),
    (b"\xff\xd8\xff", 0, "jpg", false),
    (b"GIF8", 0, "gif", false),
    (b"WEBP", 8, "webp", false),
    (b"II*\0", 0, "tif", false),
    (b"MM\0*", 0, "tif", false),
    (b"ftyp", 4, "mp4", true),
    (b"moov", 4, "mov", true),
    (b"mdat", 4, "mov", true),
    (b"wide", 4, "mov", true),
    (b"free", 4, "mov", true),
    (b"\x1aE\xdf\xa3", 0, "webm", true),
    (b"AVI ", 8, "avi", true),
    (b"OggS", 0, "ogv", true),
    (b"FLV\x01", 0, "flv", true),
    (b"\x30\x26\xb2\x75", 0, "asf", true),
    (b"\0\0\x01\xba", 0, "mpg", true),
    (b"\0\0\x01\xb3", 0, "mpg", true),
    (b"BM", 0, "bmp", false),
];

/// Bytes between packets of an MPEG transport stream, each of which begins with a `G`.
const PACKET: usize = 188;
/// How much of a file tells its kind.
pub const HEAD: usize = 2 * PACKET + 1;

fn known(head: &[u8]) -> Option<(&'static str, bool)> {
    if [0, PACKET, 2 * PACKET].iter().all(|&at| head.get(at) == Some(&b'G')) {
        return Some(("ts", true));
    }
    let fits = |(bytes, at, ..): &&(&[u8], usize, &str, bool)| head.get(*at..).is_some_and(|h| h.starts_with(bytes));
    KINDS.iter().find(fits).map(|(_, _, ending, is_video)| (*ending, *is_video))
}

/// The ending of a name for it.
pub fn ending(head: &[u8]) -> &'static str {
    known(head).map_or("bin", |(ending, _)| ending)
}

/// Whether it is a video that holds its own pictures. Play lists and scripts, which name further files and addresses that a
/// decoder would open, are none.
pub fn is_video(head: &[u8]) -> bool {
    known(head).is_some_and(|(_, is_video)| is_video)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn play_lists_and_scripts_are_no_videos() {
        for text in [
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\nfile:///etc/passwd\n",
            "ffconcat version 1.0\nfile /etc/passwd\n",
            "<MPD>",
            "<?xml?>",
            "v=0\r\n",
            "\x7fELF",
            "",
        ] {
            assert!(!is_video(text.as_bytes()), "{text}");
        }
        assert!(is_video(b"\0\0\0\x18ftypmp42") && is_video(b"\x1aE\xdf\xa3....") && is_video(b"RIFF....AVI LIST"));
        assert!(!is_video(b"\x89PNG\r\n") && !is_video(b"RIFF....WEBP"));
        let mut stream = vec![0; HEAD];
        [0, PACKET, 2 * PACKET].iter().for_each(|&at| stream[at] = b'G');
        assert_eq!(
            (is_video(&stream), ending(&stream), ending(b"\xff\xd8\xff\xe0"), ending(b"?")),
            (true, "ts", "jpg", "bin")
        );
    }
}
