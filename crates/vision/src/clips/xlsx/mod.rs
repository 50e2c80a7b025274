//! xlsx files: annotations are read from them, and the generator writes the smallest that spreadsheet programs open: one
//! sheet, texts inline, nothing compressed.

mod read;
mod xml;

use anyhow::{Context, Result};
use ferrotype_base::zip;

pub(super) use read::rows;

/// A sheet of these rows. Cells that are whole numbers are written as numbers.
///
/// # Errors
/// When they do not fit into a file.
pub(super) fn workbook(rows: &[Vec<String>]) -> Result<Vec<u8>> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    const KIND: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let types = format!(
        "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" \
         ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"{KIND}.sheet.main+xml\"/>\
         <Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{KIND}.worksheet+xml\"/></Types>"
    );
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/{kind}\" \
             Target=\"{target}\"/></Relationships>"
        )
    };
    let book = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets><sheet name=\"Annotations\" sheetId=\"1\" \
         r:id=\"rId1\"/></sheets></workbook>"
    );
    let sheet = format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{}</sheetData></worksheet>", cells(rows));
    let files = [
        ("[Content_Types].xml", types),
        ("_rels/.rels", relation("officeDocument", "xl/workbook.xml")),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", relation("worksheet", "worksheets/sheet1.xml")),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let xml = |text: &str| format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n{text}");
    zip::archive(files.map(|(name, text)| (name, xml(&text).into_bytes())))
        .context("the rows do not fit into a workbook")
}

fn cells(rows: &[Vec<String>]) -> String {
    let cell = |place: String, text: &String| match text.parse::<u32>() {
        Ok(number) => format!("<c r=\"{place}\"><v>{number}</v></c>"),
        Err(_) => {
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
        }
    };
    let row = |(number, row): (usize, &Vec<String>)| {
        let filled = row.iter().zip('A'..='Z').filter(|(text, _)| !text.is_empty());
        let cells: String = filled.map(|(text, column)| cell(format!("{column}{}", number + 1), text)).collect();
        format!("<row r=\"{}\">{cells}</row>", number + 1)
    };
    rows.iter().enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let row = |cells: [&str; 4]| cells.map(String::from).to_vec();
        let table = [row(["a", "b & <c>", "", "d"]), row(["", "12", "x y", "S001_002"])];
        let bytes = workbook(&table).unwrap();
        assert_eq!(rows(&bytes).unwrap(), table);
        for cut in [0, 3, 40, bytes.len() / 2, bytes.len() - 1] {
            assert!(rows(&bytes[..cut]).is_err(), "{cut}");
        }
        // No panic whatever a byte is changed to.
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0xff;
            let _ = rows(&bad);
        }
    }

    /// Deflated, with shared and formatted texts, and a first column and row that are empty: openpyxl's form.
    #[test]
    fn deflated_files_with_shared_texts_are_read() {
        // Python 3.11:
        // sheet = '<worksheet><sheetData><row r="2"><c r="B2" t="s"><v>1</v></c><c r="C2"><v>3.0</v></c></row></sheetData></worksheet>'
        // shared = '<sst><si><t>no</t></si><si><r><t>S001</t></r><r><t>_015</t></r><rPh><t>x</t></rPh></si></sst>'
        // z = zipfile.ZipFile(f, "w", zipfile.ZIP_DEFLATED); z.writestr("xl/workbook.xml", '<workbook/>') ...; base64 of f
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, DEFLATED).unwrap();
        assert_eq!(rows(&bytes).unwrap(), [vec![], vec![String::new(), "S001_015".into(), "3".into()]]);
    }

    const DEFLATED: &str = "UEsDBBQAAAAIAAAAIQDOnpgTDQAAAAsAAAAPAAAAeGwvd29ya2Jvb2sueG1ssynPL8pOys/P1rcDAFBLAwQUAAAACAAAACEAerFuqjcAAABdAA\
        AAFAAAAHhsL3NoYXJlZFN0cmluZ3MueG1ssykuLrGzKc60symxy8u30Qdy9EE8EC4CCQYbGBhChIugIvEGhqYIkYAMkFgFVADEA+vXB5kLAFBL\
        AwQUAAAACAAAACEALO+C70sAAABzAAAAGAAAAHhsL3dvcmtzaGVldHMvc2hlZXQxLnhtbLMpzy/KLs5ITS2xswFTLokliXY2RfnlCkW2SkZKdj\
        bJIIaTkZJCia1SMZBfZmdoo19mZ6OfDJVzNgKLGusZwMX1gfqBJJKB+gh7AFBLAQIUAxQAAAAIAAAAIQDOnpgTDQAAAAsAAAAPAAAAAAAAAAAA\
        AACAAQAAAAB4bC93b3JrYm9vay54bWxQSwECFAMUAAAACAAAACEAerFuqjcAAABdAAAAFAAAAAAAAAAAAAAAgAE6AAAAeGwvc2hhcmVkU3RyaW\
        5ncy54bWxQSwECFAMUAAAACAAAACEALO+C70sAAABzAAAAGAAAAAAAAAAAAAAAgAGjAAAAeGwvd29ya3NoZWV0cy9zaGVldDEueG1sUEsFBgAA\
        AAADAAMAxQAAACQBAAAAAA==";
}
