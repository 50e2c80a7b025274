//! What a scalar without quotes may be: YAML 1.2's core rules, made strict where a slip would go unseen.

/// Whether this is YAML's word for nothing.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Whether this is a whole number in decimal digits. `007` is not: some readers take it for octal.
pub(super) fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    all_digits(digits) && (digits.len() == 1 || !digits.starts_with('0'))
}

/// Whether this is a number: whole, with a point, or with an exponent.
pub(super) fn is_number(text: &str) -> bool {
    is_integer(text) || is_float(text)
}

fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_ok = match (whole, fraction) {
        ("", fraction) => mantissa.starts_with('.') && all_digits(fraction),
        (whole, "") => all_digits(whole),
        (whole, fraction) => all_digits(whole) && all_digits(fraction),
    };
    let leading_zeros = whole.len() > 1 && whole.starts_with('0');
    mantissa_ok && !leading_zeros && exponent.is_none_or(all_digits)
}

/// Whether YAML readers, of version 1.1 too, might take this word for something other than text.
pub(super) fn is_special_word(text: &str) -> bool {
    const WORDS: [&str; 12] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"];
    is_null(text) || WORDS.contains(&text.to_ascii_lowercase().trim_start_matches('.'))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_words() {
        for text in ["0", "-1", "+7", "18446744073709551615"] {
            assert!(is_integer(text), "{text}");
        }
        for text in ["1e-3", "1E5", ".5", "2.", "0.1", "-3.25e+2", "0e0"] {
            assert!(is_number(text) && !is_integer(text), "{text}");
        }
        for text in ["", "-", ".", "e5", "1e", "007", "00.5", "0x1f", "1_000", "1.2.3", ".inf", "nan", "1 2", "٣"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
