use super::*;
use crate::content::base64;

/// What openssl, keytool, ssh-keygen and gpg made for this test: whole files, or their beginnings.
const MADE: &[(&str, &str)] = &[
    ("der private key", "MC4CAQAwBQYDK2VwBCIEIKi3dAJxfphEKNELME9/EVaiCf/8umHUM0A/VUtEe3Sl"),
    (
        "der private key",
        "MHcCAQEEIAxKEeJNwE32oIc0cpa19hFf65Td8GPC69GwBstt2dZroAoGCCqGSM49AwEHoUQDQgAElg0l4ZB24VqXzg2JIL0niPrY\
         wFubioQ2/rzyaFWfu/pIekALQVzST6oq2LzJzIYHb8djH9WbYncq+Leq4YCqKw==",
    ),
    (
        "der private key",
        "MIIEowIBAAKCAQEArXJ/InJ1vqdCnfnd0pU7darAA8uYio4OkCb2YL9+1Wee8SKfFkz8bFMi/yRbaw1F4cICq95QZrA93jtqgT6s\
         1rnOuo55lY+B5QTYCEvDPLNHQD29zCG+kuYJj/XTGTlx/Rxv+oIyx2gU3sdmcgrVGOrXeGt2IZWrAkfvtmQB1ranBtRlI95K7+aO\
         XgL5vwi5U6Nnh3YFU5c7E6jD9VHq2ImwBLKMxUfH6mWYnh86ElLBVihixDD6tiL8P59cN7W8VFtr+Md9NrlEPxcs1UGDQLrSkuKs\
         7gYT5pK/rkKPIXYaatTVxOJpF2QbklEy17N/eZdBxUUDEBiqDv9gz8hRaQIDAQABAoIBACzTzLvwbTILNJJzw7rrSuTMbrgMZK5a\
         rLTg/QhgNb2d/FxCIG+5EfxFOGRM1zvBwG/qnpog",
    ),
    (
        "der private key",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCtcn8icnW+p0Kd+d3SlTt1qsADy5iKjg6QJvZgv37VZ57xIp8W\
         TPxsUyL/JFtrDUXhwgKr3lBmsD3eO2qBPqzWuc66jnmVj4HlBNgIS8M8s0dA",
    ),
    (
        "der private key",
        "MIIBywIBAAKBgQCN3C75iFFahGlXKn0NPq22DQL5H/laelQFKEUPTPcN1pKplzT6W6MmRotKURQj1hG39WXmoeRpZczdOjD0Lz+a\
         IiKjk1+Hi8po07PDRAetQuUfysLR8taVLdXfN3WLMJI1ZVSNVbVrSMPDR/Um21fYVrFm3jv7d5cLkvJv9x18uwIdAM4ypnPk5i7n\
         dzhZpXZqVX7eNb6Q8igYbJH2ZyECgYAxO1FhkxHQU2C6FK1hGJ4tnGxr0ei/kw9+yOPRq/1FiqgP6CGsTAjwN4CotN5iaAoeSpR0\
         ISbSbnXkcO3y6j55+CAku5J8386DW1sPVj/0Qm9MQVRccWOI9faviNs5czu96ov864J0bCYx4V/kyugJDX8EiYpW66fKv00Pt+1H\
         iQKBgGIAa2a6QCDzbj5gb+tlDZlZF/6TsR9LdLqQ",
    ),
    (
        "encrypted private key",
        "MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIcMTYHhVMTWUCAggAMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEq\
         BBBYULWpkjbVYBEUyyTNgFgpBIIE0HpNS8MlsjyYTjFcSGkIucPMgWwBh5Ya",
    ),
    (
        "pkcs12 store",
        "MIIJzwIBAzCCCYUGCSqGSIb3DQEHAaCCCXYEgglyMIIJbjCCA+IGCSqGSIb3DQEHBqCCA9MwggPPAgEAMIIDyAYJKoZIhvcNAQcB\
         MFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiHu5ToU5QLYAICCAAw",
    ),
    (
        "openssh private key",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQAAACC82c3TDn78+2L/cZX+\
         TD+ZyPZweZp92an0TR5+Jxm83QAAAJB941uBfeNbgQAAAAtzc2gtZWQyNTUx",
    ),
    (
        "openssh protected key",
        "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABAyQT/8Cmp/vLTaf6ygQSAXAAAAEAAAAAEAAAAz\
         AAAAC3NzaC1lZDI1NTE5AAAAILmyG+Bqik5NpjneM4gC2Qt31JTMbD7TvoxZ",
    ),
    (
        "pgp secret key",
        "lFgEawerWhYJKwYBBAHaRw8BAQdAYwtTWqg7olPsiqlu1hPZ9soaxWg6DSMcosSOAqGzS1kAAPwMIIHwAg73ewt84ATKYv3zM5kM\
         YGhOU0J+X2InQKNz0A6xtBx4ZWQyNTUxOSA8eGVkMjU1MTlAY29ycC5uZXQ+iJAEExYIADgWIQSNmThPSQUFSGHd57T4KnxCOJaK\
         WAUCawerWgIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAKCRD4KnxCOJaKWPf9APsGHgg9ZbHd2VnUGucxK/z31SEGiwNP1AwP\
         8YMA7XC3SwEAsb9ejJg2DVanGrxpmG8885iDCQp1RI/OsbVmGd1ucAA=",
    ),
    (
        "pgp protected key",
        "lIYEawerWhYJKwYBBAHaRw8BAQdAaK2J97bR7zBXNG0lS/9sBjzp3lzuu3CENd//QUw4QI7+BwMCeU7kcWGA2w//fxE8eGXKcHQt\
         Uqij6MpuTvD0as/OVgU20Fx2jSV6bVXLdkf/MTOuCROP9iMo8brenxvX+gVTkY23c27FTxhFcI5m125kL7Q0eGVkMjU1MTlsYWIt\
         c2VjcmV0LTEgPHhlZDI1NTE5bGFiLXNlY3JldC0xQGNvcnAubmV0PoiQBBMWCAA4FiEEMZiRc2tAUinqrXy3NFRvv3tre4MFAmsH\
         q1oCGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQNFRvv3tre4NUjwD7B4UY8atlGmm3iSxZzW75JWQmKF3F0/KYr7VFcNfs\
         vBABAPOccKSMPaGUGtMhWwYUsJGZZLQGXTE0oJP5uCUi/hEP",
    ),
    (
        "java key store",
        "/u3+7QAAAAIAAAABAAAAAQABMQAAAaIV9UrdAAAFATCCBP0wDgYKKwYBBAEqAhEBAQUABIIE6bDHZE9QJlCMpEFKMrJ773Tx5eqA\
         8Vn5HHmxNQZsFvLC0W3M",
    ),
    (
        "java key store",
        "zs7OzgAAAAIAAAABAAAAAQABMQAAAaIV9UxUAAAE7jCCBOowHAYJKwYBBAEqAhMBMA8ECEiyTr0CUng2AgMDDUAEggTIP6GOOT23\
         11En4f/iJSuaavLWSGQf",
    ),
    (
        "kerberos keytab",
        "BQIAAABVAAIADENPUlAuRVhBTVBMRQAESFRUUAAQd2ViLmNvcnAuZXhhbXBsZQAAAAFlU/EAAgASACC2L6r3W0GKlGKaix0S+0D/\
         n5OXmi/J7qv7aqy8cA6aZw==",
    ),
    (
        "kerberos ticket cache",
        "BQQADAABAAj/////AAAAAAAAAAEAAAABAAAADENPUlAuRVhBTVBMRQAAAAVhbGljZS1Y96DBpGZJ/neEefLQ9pRFxR/YGg2ASuHs\
         NXU1K+0D5W24l4zol9Iz",
    ),
];

/// Public keys, a certificate, a store of certificates.
const PUBLIC: &[&str] = &[
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArXJ/InJ1vqdCnfnd0pU7darAA8uYio4OkCb2YL9+1Wee8SKfFkz8bFMi\
     /yRbaw1F4cICq95QZrA93jtqgT6s1rnOuo55lY+B5QTYCEvDPLNHQD29zCG+kuYJj/XTGTlx/Rxv+oIyx2gU3sdmcgrVGOrXeGt2\
     IZWrAkfvtmQB1ranBtRlI95K7+aOXgL5vwi5U6Nnh3YFU5c7E6jD9VHq2ImwBLKMxUfH6mWYnh86ElLBVihixDD6tiL8P59cN7W8\
     VFtr+Md9NrlEPxcs1UGDQLrSkuKs7gYT5pK/rkKPIXYaatTVxOJpF2QbklEy17N/eZdBxUUDEBiqDv9gz8hRaQIDAQAB",
    "MIIC/TCCAeWgAwIBAgIUdupPpf2hv4KYaZ4uuf/lensT8FwwDQYJKoZIhvcNAQELBQAwDjEMMAoGA1UEAwwDbGFiMB4XDTI2MTEy\
     NjAzNDUyNloXDTI2MTIyNjAzNDUyNlowDjEMMAoGA1UEAwwDbGFiMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArXJ/\
     InJ1vqdCnfnd0pU7darAA8uYio4OkCb2YL9+1Wee8SKfFkz8bFMi/yRbaw1F4cICq94=",
    "/u3+7QAAAAIAAAABAAAAAgAFbXlrZXkAAAGiFfVN5AAFWC41MDkAAAMBMIIC/TCCAeWgAwIBAgIUdupPpf2hv4KYaZ4uuf/lensT\
     8FwwDQYJKoZIhvcNAQELBQAwDjEMMAoGA1UEAwwDbGFiMB4XDTI2MTEyNjAzNDUyNloXDTI2MTIyNjAzNDUyNlowDjEMMAoGA1UE\
     AwwDbGFiMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArXJ/InJ1vqdCnfnd0pU7darAA8uYio4OkCb2YL9+1Wee8SKf\
     Fkz8bFMi/yRbaw1F4cICq95QZrA93jtqgT6s1rnOuo55lY+B5QTYCEvDPLNHQD29zCG+kuYJj/XTGTlx/Rxv+oIyx2gU3sdmcgrV\
     GOrXeGt2IZWrAkfvtmQB1ranBtRlI95K7+aOXgL5vwi5U6Nnh3YFU5c7E6jD9VHq2ImwBLKMxUfH6mWYnh86ElLBVihixDD6tiL8\
     P59cN7W8VFtr+Md9NrlEPxcs1UGDQLrSkuKs7gYT5pK/rkKPIXYaatTVxOJpF2QbklEy17N/eZdBxUUDEBiqDv9gz8hRaQIDAQAB\
     o1MwUTAdBgNVHQ4EFgQUZGp+55e0Hp5I4DXi7mVtfMmkwpowHwYDVR0jBBgwFoAUZGp+55e0Hp5I4DXi7mVtfMmkwpowDwYDVR0T\
     AQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAP3pxJrZo1PHULmZ6uX5Gm4/wzMwz9AMud+liPUx0WoVt2dllFoOLCyx6djwW\
     1A8W+oRYcfkLPpK5hxvFHI2YNMBRfisIZzIRlcn8iUTyS0K9B2X1f13hR0Jaud64unRkUmo2JHcAq26KBIh6+PKTJM3oZ4PZ7cQP\
     ng2DT1Q1vMMO0H762F3+J6jEgAWo/sHPnmpqy2kCPIQj2I3K1KyMlCUSFMSyZQL1D1fcxyOybtqPUNkJprZ3MLOR6GjIcGV09x7z\
     MsVwNxtyN8DrU2zxvCPtftmPFuEJsjYk/j1NfmK81C+su9m1FF9rWTf7C4aoaZ0SAPIgC5dOQf/BOlBgT1oflxY/dzu7g97JS2H4\
     gNcHPV8q",
    "mQENBGsHq1cBCADNYSdtENetajmaybRyCd/nCBaQJVXNiR1qN2yrUuVSsm9ZNYxV/dKJrxKa9O/rhBRhtqa2cEX7NfNZNg1rViU8\
     IbhoctiMWMBPBvpuKMyZadMJEvd6cV0wxZ34vb1/xlVY3p1tdJnWow/mpuZybdVhJnqshsZxtxB40t8y854FWB7rWLQv+zLpKjEy\
     M4F/rnxTFYDA32GXKQTutiKTHxUvysfL1pJ2fow0LxwnHrv/gzH0cu7uwzvBfbpOcv5XrW39qUi17hcW5+Mc8B9jJ4FQ7kkRqFef\
     EyWA1RM90WVB8lIYgADNFJLspXS5hXf/hgxSG/p718TXTABzOCZRXXwfABEBAAG0HHhyc2EyMDQ4IDx4cnNhMjA0OEBjb3JwLm5l\
     dD6JAU4EEwEKADgWIQRJpI7a9fBQ7fUG3HZ1P3QZj9ECAwUCawerVwIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAKCRB1P3QZ\
     j9ECA717B/9qenUlFH1qVcSJX7UFScHgwmGvCkHy5Q8TGDh2zdsY612JD8rxgP1TmNVzODPtLYlVv+0DWhb7qFQqBVkRwCSlrXAp\
     yziDcb0ETyuGRd6ghbJDFlT3xyZ3tZk+f6ckpWAfsgEQCcqDgxdy9xZnvCq+laxQRAgBvNz2a2VgKrEc8Mq729R/C8V0Zp53XUFp\
     DqnsZUOcW02XPKjEJM1rBw1oo20aA4y+8kdLNZJ9ktPBsNk8/Lv4fom8dBhyeZFMjEGYdEqsS0oHxm9Vl1OItWXbWR8eVsNR266E",
];

fn bytes(text: &str) -> Vec<u8> {
    base64::decode(text.as_bytes()).unwrap()
}

#[test]
fn files_of_keys_are_known_by_their_structure() {
    for (name, made) in MADE {
        assert_eq!(of_file(&bytes(made)), Some(*name));
        assert!(begins(&bytes(made)));
    }
}

#[test]
fn what_holds_no_private_key_is_none() {
    for public in PUBLIC {
        assert_eq!(of_file(&bytes(public)), None, "{public}");
    }
    // A request of SNMP begins as a key of SEC 1 does.
    assert_eq!(of_file(b"\x30\x40\x02\x01\x01\x04\x18a-community-of-24-letters\xa0\x1c\x02\x04\0\0\0\x01"), None);
}

#[test]
fn databases_are_told_by_their_tables() {
    let sqlite = |schema: &str| [b"SQLite format 3\0".as_slice(), &[0; 400], schema.as_bytes()].concat();
    let keys = sqlite("CREATE TABLE nssPrivate (id PRIMARY KEY UNIQUE ON CONFLICT ABORT, a0)");
    assert_eq!(of_file(&keys), Some("mozilla key database"));
    assert!(begins(&sqlite("CREATE TABLE t (a)")));
    assert_eq!(of_file(&sqlite("CREATE TABLE t (a)")), None);
    let berkeley = [b"\0\x06\x15\x61\0\0\0\x02".as_slice(), b"....global-salt...password-check"].concat();
    assert_eq!(of_file(&berkeley), Some("mozilla key database"));
}

#[test]
fn a_store_of_bouncy_castle_holds_more_than_certificates() {
    let head = [b"\0\0\0\x02\0\0\0\x14".as_slice(), &[7; 20], b"\0\0\x04\x87"].concat();
    let entry = |kind: u8| [&[kind, 0, 2], b"ca".as_slice(), &[0; 12], b"\0\x05X.509\0\0\0\x03abc"].concat();
    assert_eq!(of_file(&[head.as_slice(), &entry(1), &[0]].concat()), None);
    assert_eq!(of_file(&[head.as_slice(), &entry(1), &entry(4)].concat()), Some("bouncy castle store"));
}

#[test]
fn changed_bytes_and_cuts_are_no_trouble() {
    for (_, made) in MADE {
        let whole = bytes(made);
        for n in 0..whole.len().min(300) {
            let _ = (of_file(&whole[..n]), of_file(&whole[n..]));
            let mut changed = whole.clone();
            changed[n] ^= 0xff;
            let _ = of_file(&changed);
        }
    }
}

#[test]
fn random_bytes_are_no_keys() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for first in 0..=255u8 {
        for _ in 0..200 {
            let mut noise: Vec<u8> = (0..16).flat_map(|_| next()).collect();
            noise[0] = first;
            assert_eq!(of_file(&noise), None);
        }
    }
}
