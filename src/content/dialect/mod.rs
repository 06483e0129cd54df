//! Messages whose values are known by their position or by a tag: HL7 version 2, X12, EDIFACT, SWIFT MT, files of
//! banks.
//! They are text, but a name stands nowhere near a value. Each is recognised by its first bytes, works
//! on messages that are cut, and gives every value under the name that its standard has for it.

mod bank;
mod edi;
mod hl7;
mod swift;

use std::ops::Range;

use bank::Bank;

/// Longest value that is said, in bytes: free text has no end.
const LONGEST: usize = 64 << 10;

/// A message format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Payments in Great Britain (Standard 18).
    Bacs,
    /// Statements of accounts.
    Bai2,
    /// UN/EDIFACT (ISO 9735).
    Edifact,
    /// HL7 version 2.
    Hl7,
    /// Payments in the USA.
    Nacha,
    /// SWIFT MT.
    Swift,
    /// ANSI X12.
    X12,
}

/// A value of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Where it stands: segment and position, and what the standard calls it where that matters:
    /// `PID-19.ssn`.
    pub name: String,
    /// Its bytes.
    pub range: Range<usize>,
}

impl Dialect {
    /// The format of the message that a text begins.
    pub fn of(text: &[u8]) -> Option<Self> {
        let start = text.iter().take(4).take_while(|b| matches!(b, 0x0b | 1 | b'\r' | b'\n')).count();
        let text = text.get(start..)?;
        match text.first()? {
            b'M' | b'F' | b'B' if hl7::begins(text) => Some(Self::Hl7),
            b'I' if edi::x12(text).is_some() => Some(Self::X12),
            b'U' if edi::edifact(text).is_some() => Some(Self::Edifact),
            b'0' | b'1' | b'V' => bank::begins(text).map(|bank| match bank {
                Bank::Bacs => Self::Bacs,
                Bank::Bai2 => Self::Bai2,
                Bank::Nacha => Self::Nacha,
            }),
            b'{' | b':' if swift::begins(text) => Some(Self::Swift),
            _ => None,
        }
    }

    /// The values of a message, and of those that follow it.
    pub fn values(self, text: &[u8], say: &mut dyn FnMut(Value)) {
        let mut say = |name: String, range: Range<usize>| {
            let value = text.get(range.clone()).unwrap_or_default();
            // The shortest that says something about somebody are codes and numbers of three.
            if value.len() >= 3 && value.len() <= LONGEST {
                say(Value { name, range });
            }
        };
        match self {
            Self::Hl7 => hl7::values(text, &mut say),
            Self::X12 => {
                if let Some(signs) = edi::x12(text) {
                    edi::x12_values(text, &signs, &mut say);
                }
            }
            Self::Edifact => {
                if let Some(signs) = edi::edifact(text) {
                    edi::edifact_values(text, &signs, &mut say);
                }
            }
            Self::Bacs => bank::values(text, Bank::Bacs, &mut say),
            Self::Bai2 => bank::values(text, Bank::Bai2, &mut say),
            Self::Nacha => bank::values(text, Bank::Nacha, &mut say),
            Self::Swift => swift::values(text, &mut say),
        }
    }
}

/// Takes a name and where its value stands.
type Say<'a> = dyn FnMut(String, Range<usize>) + 'a;

/// The parts of a range between separators, with their places. `escape` keeps the byte after it from being one.
fn split(text: &[u8], range: Range<usize>, separator: u8, escape: Option<u8>) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    let mut from = Some(range.start);
    std::iter::from_fn(move || {
        let start = from?;
        let mut at = start;
        while at < end {
            match text.get(at) {
                Some(b) if Some(*b) == escape => at += 1,
                Some(b) if *b == separator => break,
                _ => {}
            }
            at += 1;
        }
        let stop = at.min(end);
        from = (at < end).then_some(at + 1);
        Some(start..stop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let dialect = Dialect::of(text.as_bytes()).unwrap();
        for cut in 0..text.len() {
            if let Some(dialect) = Dialect::of(&text.as_bytes()[..cut]) {
                dialect.values(&text.as_bytes()[..cut], &mut |_| {});
            }
        }
        let mut said = Vec::new();
        dialect.values(text.as_bytes(), &mut |value| {
            said.push(format!("{}={}", value.name, &text[value.range.clone()]));
        });
        said
    }

    fn has(said: &[String], line: &str) {
        assert!(said.iter().any(|l| l == line), "{line} not in {said:?}");
    }

    #[test]
    fn hl7_fields_have_the_names_of_the_standard() {
        let said = read(
            "\u{b}MSH|^~\\&|ADT|A|B|C|20260303||ADT^A01|1|P|2.5\rPID|1||87495679^^^GHH^MR~536904399^^^SSA^SS||Hawkins^Tina\
             ||19840317|F|||1 St^^X||(206)555-0143^PRN^PH~^NET^Internet^tina@b.example|||||A7|536-90-4399\r\
             NK1|1|Doe^Jo||1 St|2065550177\rOBX|1|TX|note||password is hunter2\r\u{1c}\r",
        );
        for line in [
            "PID-3.mrn=87495679",
            "PID-3.ssn=536904399",
            "PID-7.birth date=19840317",
            "PID-13.phone=(206)555-0143",
            "PID-13.email=tina@b.example",
            "PID-19.ssn=536-90-4399",
            "NK1-5.phone=2065550177",
            "OBX-5=password is hunter2",
        ] {
            has(&said, line);
        }
    }

    #[test]
    fn a_number_a_field_too_early_is_taken_for_what_it_is() {
        let said = read("MSH|^~\\&|A|B|C|D|1||ADT|1|P|2.5\rPID|1||4711||A^B||1984|F||||||||||536904399\r");
        has(&said, "PID-18.ssn=536904399");
        let said = read("MSH|^~\\&|A|B|C|D|1||ADT|1|P|2.5\rPID|1||4711||A^B||1984|F||||||||||123456789|536904399\r");
        has(&said, "PID-18.patient account=123456789");
    }

    #[test]
    fn x12_elements_are_named_by_their_qualifiers() {
        let said = read(
            "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260303*1000*^*00501*000000001*0*P*:~\
             GS*HC*S*R*20260303*1000*1*X*005010X222A1~NM1*IL*1*DOE*JOHN****34*536904399~NM1*85*2*C*****XX*1234567893~\
             DMG*D8*19800102*M~REF*SY*219099998~PER*IC*JOHN*TE*2065550143*EM*j@b.example~\
             BPR*I*100*C*ACH*CCP*01*021000021*DA*123456789*1*2*01*011401533*DA*987654321~",
        );
        for line in [
            "NM1-9.ssn=536904399",
            "NM1-9.npi=1234567893",
            "DMG-2.birth date=19800102",
            "REF-2.ssn=219099998",
            "PER-4.phone=2065550143",
            "PER-6.email=j@b.example",
            "BPR-7.routing number=021000021",
            "BPR-9.account number=123456789",
            "BPR-15.account number=987654321",
        ] {
            has(&said, line);
        }
    }

    #[test]
    fn edifact_and_swift_name_accounts_and_contacts() {
        let said = read(
            "UNA:+.? 'UNB+UNOC:3+A+B'COM+eva?+x@b.example:EM'FII+OR+DE89370400440532013000:Eva'DTM+329:19800102:102'",
        );
        for line in
            ["COM-1.email=eva?+x@b.example", "FII-2.account number=DE89370400440532013000", "DTM-1.birth date=19800102"]
        {
            has(&said, line);
        }
        let said = read(
            "{1:F01BANKBEBBAXXX2222123456}{2:I103BANKDEFFXXXXN}{4:\r\n:20:REF1\r\n:50K:/BE68539007547034\r\nJOHN DOE\r\n\
             :59:/123456789\r\nJANE\r\n-}",
        );
        let lines = read(":20:A1\r\n:25:NL12RABO0401930688EUR\r\n:86:/TRCD/1/IBAN/BE3/NAME/X\r\n");
        for line in ["25=NL12RABO0401930688", "86=/TRCD/1/IBAN/BE3/NAME/X"] {
            has(&lines, line);
        }
        let lines = read(":20:A1\r\n:25:DE1/2\r\n:59:/123456789\r\n:70:/INV/77\r\n:86:166?00X?31AT61?32Eva\r\n");
        for line in ["59.account number=123456789", "70=/INV/77", "86.31.account number=AT61", "86.32=Eva"] {
            has(&lines, line);
        }
        for line in ["50K.account number=BE68539007547034", "50K=JOHN DOE", "59.account number=123456789", "20=REF1"] {
            has(&said, line);
        }
    }

    #[test]
    fn files_of_banks_have_accounts_at_fixed_places() {
        let nacha = read(
            "101 091000019 1234567892602031200A094101FIRST NATIONAL BANK    ACME PAYROLL                   \r\n\
             5200ACME            00000000000000000000 123456789PPDPAYROLL   260203260204   1091000010000001\r\n\
             622021000021123456789        0000123456EMP0001        ADA LOVELACE            0091000010000001\r\n",
        );
        for line in ["6.routing number=021000021", "6.account number=123456789", "6.individual=EMP0001"] {
            has(&nacha, line);
        }
        let bai = read(
            "01,021000021,ACME,260203,0600,1,,,2/\n02,ACME,021000021,1,260202,,USD,2/\n03,1234567890,USD,010,5,,/\n",
        );
        for line in ["01.routing number=021000021", "02.routing number=021000021", "03.account number=1234567890"] {
            has(&bai, line);
        }
        let bacs = read(
            "VOL1123456                               654321                          1\r\n\
             2002376099376009920205512345678    00000012345ACME PAYROLL      SALARY            A LOVELACE        \r\n",
        );
        for line in ["account number=60993760", "sort code=200237", "originating.account number=12345678"] {
            has(&bacs, line);
        }
    }

    #[test]
    fn persons_of_lists_of_passengers_and_of_orders_have_their_numbers() {
        let said = read(
            "UNB+UNOC:3+A+B'PNA+PAT+7546382:::HIS+++1:SU:X'RFF+BSN:205144627'NAD+FL+++X:Y'DOC+P:110:111+C01X00T47'\
             PNA+CM+99'",
        );
        for line in ["PNA-2.patient id=7546382", "RFF-1.BSN=205144627", "DOC-2.passport number=C01X00T47"] {
            has(&said, line);
        }
        let said = read("MSH|^~\\&|A|B|C|D|1||RDE|1|P|2.5\rPRD|RP|X^Y|||||1234567893^NPI~AB1234563^DEA\r");
        for line in ["PRD-7.npi=1234567893", "PRD-7.dea=AB1234563"] {
            has(&said, line);
        }
    }

    #[test]
    fn other_text_is_no_message() {
        for text in [
            "101 Dalmatians",
            "01,2,3\n",
            "VOL1\nABC",
            "MSHA|x",
            "ISA is a name",
            "UNBELIEVABLE",
            "{1:2}",
            "{\"a\":1}",
            "Message: x",
            "ISA*00*short~",
        ] {
            assert_eq!(Dialect::of(text.as_bytes()), None, "{text}");
        }
    }
}
