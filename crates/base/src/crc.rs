//! Cyclic redundancy checks of 32 bits, reflected: that of ZIP and that of TensorBoard's records.

/// The check with the polynomial of ZIP, PNG and Ethernet.
pub fn crc32(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table(0xedb8_8320);
    check(&TABLE, data)
}

/// The check with Castagnoli's polynomial.
pub fn crc32c(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table(0x82f6_3b78);
    check(&TABLE, data)
}

fn check(table: &[u32; 256], data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, &b| (crc >> 8) ^ table[((crc ^ u32::from(b)) & 255) as usize])
}

const fn table(polynomial: u32) -> [u32; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let (mut crc, mut bit) = (i as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ polynomial } else { crc >> 1 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checks() {
        // The check values of the catalogue of CRC algorithms for "123456789".
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
