use super::*;

#[test]
fn numbers_rise_and_none_is_given_twice() {
    assert!(Code::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
}

#[test]
fn a_code_is_read_as_it_is_written_and_by_its_number() {
    for &code in Code::ALL {
        assert_eq!(code.to_string().parse(), Ok(code));
    }
    assert_eq!(Code::UnknownKey.to_string(), "HR0101");
    for text in ["hr0101", "0101", "101"] {
        assert_eq!(text.parse(), Ok(Code::UnknownKey), "{text}");
    }
    for text in ["", "HR", "HR9999", "x", "-1", "HRHR", "HR0101x"] {
        assert_eq!(text.parse::<Code>(), Err(UnknownCode), "{text}");
    }
}

#[test]
fn each_says_what_it_is_and_what_to_do() {
    for &code in Code::ALL {
        assert!(code.title().len() >= 8 && !code.title().ends_with('.'), "{code}");
        assert!(code.explanation().len() >= 60 && code.explanation().ends_with('.'), "{code}");
    }
}
