//! Whether a profile says no more than that a picture is in sRGB, as most do; never by its name.

use moxcms::{ColorProfile, ToneReprCurve, Xyzd};

/// Whether converting from this profile would change next to nothing.
pub(super) fn is_srgb(profile: &ColorProfile) -> bool {
    let ColorProfile { red_colorant, green_colorant, blue_colorant, .. } = profile;
    profile.is_matrix_shaper()
        && profile.lut_a_to_b_perceptual.is_none()
        && profile.lut_a_to_b_colorimetric.is_none()
        && [red_colorant, green_colorant, blue_colorant]
            .into_iter()
            .zip(PRIMARIES)
            .all(|(is, srgb)| close(*is, srgb))
        && [&profile.red_trc, &profile.green_trc, &profile.blue_trc]
            .into_iter()
            .all(|curve| curve.as_ref().is_some_and(is_srgb_curve))
}

/// sRGB's primaries adapted to D50, as its profiles have them. Source: ICC.1:2022 profiles sRGB2014 and
/// `sRGB_v4_ICC_preference`; IEC 61966-2-1.
const PRIMARIES: [[f64; 3]; 3] =
    [[0.4360, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971], [0.1431, 0.0606, 0.7139]];

fn close(is: Xyzd, [x, y, z]: [f64; 3]) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() < 0.002;
    near(is.x, x) && near(is.y, y) && near(is.z, z)
}

/// Compared at 16 points, to half an eight-bit step in the middle.
fn is_srgb_curve(curve: &ToneReprCurve) -> bool {
    (0..=16).map(|at| f64::from(at) / 16.0).all(|encoded| {
        let linear = if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) };
        value(curve, encoded).is_some_and(|value| (value - linear).abs() < 0.0025)
    })
}

/// The light a curve gives for an encoded value. ICC.1:2022, sections 10.6 and 10.18.
fn value(curve: &ToneReprCurve, encoded: f64) -> Option<f64> {
    match curve {
        ToneReprCurve::Lut(table) => {
            let last = table.len().checked_sub(1).filter(|&last| last > 0)?;
            #[expect(clippy::cast_precision_loss, reason = "tables have at most some ten thousand entries")]
            let at = encoded * last as f64;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and last")]
            let below = (at as usize).min(last - 1);
            let [low, high] = [table[below], table[below + 1]].map(|entry| f64::from(entry) / 65_535.0);
            #[expect(clippy::cast_precision_loss, reason = "as above")]
            let beyond = at - below as f64;
            Some(low + (high - low) * beyond)
        }
        ToneReprCurve::Parametric(parameters) => {
            let parameters = parameters.iter().map(|&parameter| f64::from(parameter)).collect::<Vec<_>>();
            // The standard's letters are a to f, here in words.
            let &[gamma, factor, offset, slope, split] = parameters.first_chunk::<5>()?;
            let [above, below] = parameters[5..].first_chunk::<2>().copied().unwrap_or_default();
            Some(if encoded >= split {
                (factor * encoded + offset).powf(gamma) + above
            } else {
                slope * encoded + below
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use moxcms::{ColorProfile, ToneReprCurve};

    use super::is_srgb;

    #[test]
    fn srgb_is_and_others_are_not() {
        assert!(is_srgb(&ColorProfile::new_srgb()));
        assert!(!is_srgb(&ColorProfile::new_display_p3()));
        assert!(!is_srgb(&ColorProfile::new_adobe_rgb()));
        assert!(!is_srgb(&ColorProfile::new_gray_with_gamma(2.2)));
    }

    #[test]
    fn a_table_of_its_curve_is_srgb_and_one_of_gamma_two_is_not() {
        let with = |curve: &dyn Fn(f64) -> f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 65535"
            )]
            let table = (0..1024).map(|at| (curve(f64::from(at) / 1023.0) * 65_535.0).round() as u16);
            let curve = Some(ToneReprCurve::Lut(table.collect()));
            let mut profile = ColorProfile::new_srgb();
            (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
            profile
        };
        let srgb = |v: f64| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) };
        assert!(is_srgb(&with(&srgb)));
        assert!(!is_srgb(&with(&|v| v * v)));
    }
}
