import { useId } from 'react';
import { defineMessages, useLocale, useT } from '../core/i18n.ts';
import { changeSettings, currentDensity, settings } from '../core/settings.ts';
import { useStore } from '../core/store.ts';

const texts = defineMessages({
  zh: { theme: '外观', auto: '跟随系统', light: '浅色', dark: '深色', language: '语言', density: '密度', comfortable: '宽松', compact: '紧凑' },
  en: { theme: 'Appearance', auto: 'As the system', light: 'Light', dark: 'Dark', language: 'Language', density: 'Density', comfortable: 'Comfortable', compact: 'Compact' },
});

/** One of a few, as a group of radio buttons. */
export function Choice<T extends string>({ label, value, options, onChange, hideLabel = false }: { label: string; value: T; options: readonly { value: T; label: string }[]; onChange: (value: T) => void; hideLabel?: boolean }) {
  const name = useId();
  return (
    <fieldset className="yz-choice">
      <legend className={hideLabel ? 'yz-hidden' : ''}>{label}</legend>
      <div>
        {options.map((option) => (
          <label key={option.value}>
            <input type="radio" name={name} checked={option.value === value} onChange={() => onChange(option.value)} />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

const languages = [{ value: 'zh', label: '中文' }, { value: 'en', label: 'English' }] as const;

/** Theme, language and density of this browser. */
export function LookSettings() {
  const t = useT(texts);
  const locale = useLocale();
  const theme = useStore(settings, (s) => s.theme);
  const density = useStore(settings, currentDensity);
  return (
    <>
      <Choice label={t('theme')} value={theme} onChange={(value) => changeSettings({ theme: value })} options={[{ value: 'auto', label: t('auto') }, { value: 'light', label: t('light') }, { value: 'dark', label: t('dark') }]} />
      <Choice label={t('language')} value={locale} onChange={(value) => changeSettings({ locale: value })} options={languages} />
      <Choice label={t('density')} value={density} onChange={(value) => changeSettings({ density: value })} options={[{ value: 'comfortable', label: t('comfortable') }, { value: 'compact', label: t('compact') }]} />
    </>
  );
}

/** Language alone, for the log-in. */
export function QuickSettings() {
  const t = useT(texts);
  const locale = useLocale();
  return <Choice label={t('language')} hideLabel value={locale} onChange={(value) => changeSettings({ locale: value })} options={languages} />;
}
