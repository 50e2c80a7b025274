//! Numbers in tables of other programs.

/// Cells that say that there is no value, in lower case: NumPy, pandas, R, SQL, Excel.
const NOTHING: [&str; 11] = ["", "na", "n/a", "<na>", "#n/a", "none", "null", "nil", "#num!", "#value!", "#div/0!"];

/// A number as C, C++, Fortran, Python, R, Excel and MATLAB print it on Linux, macOS and Windows. Blank cells, words for
/// "no value" and all forms of NaN (`-nan`, `nan(ind)`, `1.#QNAN`, `-1.#IND00`) are NaN; `inf`, `-Infinity` and `1.#INF`
/// are infinite. `None` for everything else.
pub fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let lower = text.to_ascii_lowercase().replace('\u{2212}', "-");
    if NOTHING.contains(&lower.as_str()) {
        return Some(f64::NAN);
    }
    let (sign, rest) = match lower.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, lower.strip_prefix('+').unwrap_or(&lower)),
    };
    special(rest).map(|value| sign * value).or_else(|| plain(sign, rest))
}

/// NaN and infinity, without their sign.
fn special(word: &str) -> Option<f64> {
    // Visual C++ before 2015: 1.#INF, 1.#QNAN, 1.#SNAN, 1.#IND, with zeros behind, or cut to fewer digits and rounded to
    // 1.#J, which may be either.
    if let Some(kind) = word.strip_prefix("1.#") {
        let kind = kind.trim_end_matches('0');
        return match kind {
            "inf" => Some(f64::INFINITY),
            "qnan" | "snan" | "ind" | "nan" | "j" | "q" | "r" | "s" | "qn" | "qo" | "io" | "in" => Some(f64::NAN),
            _ => None,
        };
    }
    // The C standard allows nan(...) with any letters and digits: Visual C++ writes ind and snan, glibc 0x8000000000000.
    let inside = word.strip_prefix("nan").map(|rest| rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')));
    match inside {
        Some(Some(letters)) if letters.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => Some(f64::NAN),
        // AIX and HP-UX: NaNQ and NaNS.
        _ if matches!(word, "nan" | "nanq" | "nans" | "qnan" | "snan") => Some(f64::NAN),
        _ if matches!(word, "inf" | "infinity") => Some(f64::INFINITY),
        _ => None,
    }
}

/// A finite number that Rust does not read as it stands: Fortran's exponent `1.5D-03`, a minus sign as printers have it.
fn plain(sign: f64, text: &str) -> Option<f64> {
    let starts = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let text = text.replacen('d', "e", 1);
    text.parse::<f64>().ok().filter(|_| starts).map(|value| sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_systems_are_read() {
        for (text, value) in [
            (" 1.5", 1.5),
            ("-2e-3", -0.002),
            ("+.5", 0.5),
            ("1.5D-03", 0.0015),
            ("\u{2212}0.25", -0.25),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("1.#INF", f64::INFINITY),
            ("-1.#INF00", f64::NEG_INFINITY),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in [
            "",
            " ",
            "nan",
            "NaN",
            "-nan",
            "-nan(ind)",
            "nan(ind)",
            "nan(snan)",
            "nan(0x8000000000000)",
            "1.#QNAN",
            "-1.#IND",
            "-1.#IND00",
            "1.#QNAN0",
            "1.#SNAN",
            "1.#J",
            "-1.#J",
            "NaNQ",
            "NA",
            "N/A",
            "<NA>",
            "#N/A",
            "None",
            "NULL",
            "#NUM!",
        ] {
            assert!(number(text).is_some_and(f64::is_nan), "{text:?} is {:?}", number(text));
        }
        for text in ["smile", "1.5x", "0,5", "1.#", "1.#what", "nanny", "nan(", "nan(a b)", "d5", "--1", "-", "1.2.3"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
