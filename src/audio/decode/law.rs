//! The two telephone codes of ITU-T G.711, A-law and mu-law, as tables of 256 values each.

/// Decodes one A-law byte to a value on the 16-bit scale (G.711, table 1a; even bits are inverted on the line).
const fn a_law(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let exponent = (code >> 4) & 7;
    let mantissa = ((code & 15) as i16) << 4;
    let magnitude = match exponent {
        0 => mantissa + 8,
        _ => (mantissa + 0x108) << (exponent - 1),
    };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

/// Decodes one mu-law byte to a value on the 16-bit scale (G.711, table 2a; all bits are inverted on the line).
const fn mu_law(byte: u8) -> i16 {
    let code = !byte;
    let exponent = (code >> 4) & 7;
    let magnitude = (((((code & 15) as i16) << 3) + 0x84) << exponent) - 0x84;
    if code & 0x80 != 0 { -magnitude } else { magnitude }
}

const fn table(mu: bool) -> [f32; 256] {
    let mut out = [0.0; 256];
    let mut index = 0;
    while index < 256 {
        let value = if mu { mu_law(index as u8) } else { a_law(index as u8) };
        out[index] = value as f32 / 32768.0;
        index += 1;
    }
    out
}

/// A-law byte to sample, full scale ±1.
pub(super) static A_LAW: [f32; 256] = table(false);
/// Mu-law byte to sample, full scale ±1.
pub(super) static MU_LAW: [f32; 256] = table(true);

#[cfg(test)]
mod tests {
    use super::*;

    /// The decoder output values of G.711, by its own words: segments of 16 equal steps, each segment twice as wide
    /// as the one before. A-law counts to 4096 and mu-law to 8159 units.
    fn by_definition(mu: bool, byte: u8) -> f64 {
        let code = if mu { !byte } else { byte ^ 0x55 };
        let (segment, step) = (i32::from((code >> 4) & 7), f64::from(code & 15));
        let units = if mu {
            // y = (2 * step + 33) * 2^segment - 33, in units of 1/8192.
            ((2.0 * step + 33.0) * 2f64.powi(segment) - 33.0) / 8192.0
        } else if segment == 0 {
            (2.0 * step + 1.0) / 4096.0
        } else {
            (2.0 * step + 33.0) * 2f64.powi(segment - 1) / 4096.0
        };
        let positive = if mu { code & 0x80 == 0 } else { code & 0x80 != 0 };
        if positive { units } else { -units }
    }

    #[test]
    fn tables_follow_g711() {
        for byte in 0..=255u8 {
            assert_eq!(f64::from(MU_LAW[usize::from(byte)]), by_definition(true, byte), "mu-law {byte:#x}");
            assert_eq!(f64::from(A_LAW[usize::from(byte)]), by_definition(false, byte), "A-law {byte:#x}");
        }
    }

    #[test]
    fn known_values_on_the_16_bit_scale() {
        let a = |byte: usize| (A_LAW[byte] * 32768.0) as i32;
        let mu = |byte: usize| (MU_LAW[byte] * 32768.0) as i32;
        assert_eq!([a(0xD5), a(0x55), a(0xAA), a(0x2A), a(0x80)], [8, -8, 32256, -32256, 5504]);
        assert_eq!([mu(0xFF), mu(0x7F), mu(0x80), mu(0x00), mu(0xFE)], [0, 0, 32124, -32124, 8]);
    }
}
