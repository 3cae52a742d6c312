import { App, Button, Input, Modal } from 'antd';
import { useRef, useState, type ReactNode } from 'react';
import { newId, toCallError, useErrorText, useT, useReturnFocus } from '@yizhan/kit';
import type { DepartmentSize } from '@yizhan/kit/gen/directory/v1/directory_service_pb';
import type { Person } from '@yizhan/kit/gen/directory/v1/people_pb';
import { changedFields, emptyFields, formProblem, type FieldName, type PersonFields } from '../model/person_form.ts';
import { givenRoles, withRole } from '../model/rights.ts';
import { runTask } from '../model/tasks.ts';
import { directory } from './people.tsx';
import { roleKey, texts, type ConsoleText } from './texts.ts';

const label: Record<FieldName, keyof ConsoleText & string> = {
  login: 'login', name: 'name', englishName: 'englishName', departmentId: 'department', title: 'jobTitle', email: 'email', phone: 'phone', roles: 'roles',
};

/** Adds a person, or changes one: edit, see what will be saved, save. onClose(true) when something was saved. */
export function PersonDialog({ person, departments, onClose }: { person: Person | null; departments: readonly DepartmentSize[]; onClose: (changed: boolean) => void }) {
  const t = useT(texts);
  const say = useErrorText();
  const { modal } = App.useApp();
  useReturnFocus();
  const before = useRef(person ? fieldsOf(person) : emptyFields());
  const [fields, setFields] = useState(before.current);
  const [password, setPassword] = useState('');
  const [review, setReview] = useState(false);
  const [reset, setReset] = useState(false);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [requestId, setRequestId] = useState(newId);
  const managed = person !== null && person.source !== 'local';
  const put = (change: Partial<PersonFields>) => {
    setProblem('');
    setFields({ ...fields, ...change });
    // What is asked for is another thing now.
    setRequestId(newId());
  };

  const save = async (title: string, call: () => Promise<unknown>) => {
    setBusy(true);
    setProblem('');
    try {
      await runTask(title, call);
      onClose(true);
    } catch (error) {
      setProblem(say(toCallError(error)));
      setBusy(false);
    }
  };
  const submit = () => {
    const wrong = formProblem(fields, person ? null : password);
    if (wrong) return setProblem(wrong === 'login' ? t('badLogin') : wrong === 'name' ? t('badName') : t('badPassword'));
    if (!person) return void save(t('taskCreate', { name: fields.name }), () => directory.createPerson({ person: { ...fields, active: true }, password, requestId }));
    if (changedFields(before.current, fields).length === 0) return setProblem(t('noChange'));
    if (!review) return setReview(true);
    return void save(t('taskUpdate', { name: fields.name }), () => directory.updatePerson({ person: { ...person, ...fields }, requestId }));
  };
  const setActive = (active: boolean) => {
    if (!person) return;
    const run = () => save(t(active ? 'taskEnable' : 'taskDisable', { name: person.name }), () => directory.updatePerson({ person: { ...person, active }, requestId: newId() }));
    if (active) return void run();
    modal.confirm({
      title: t('disableAsk', { name: person.name, login: person.login }), content: t('disableEffect'), okText: t('disable'), cancelText: t('cancel'),
      okButtonProps: { danger: true }, autoFocusButton: 'cancel', onOk: run,
    });
  };
  const show = (name: FieldName, value: PersonFields): string => {
    if (name === 'roles') return value.roles.map((role) => t(roleKey[role] ?? 'unknown')).join(', ');
    if (name === 'departmentId') return departments.find((each) => each.department?.departmentId === value.departmentId)?.department?.name ?? '';
    return value[name];
  };
  const text = (name: Exclude<FieldName, 'roles' | 'departmentId'>, more: { disabled?: boolean; hint?: string } = {}) => (
    <Field label={t(label[name])} hint={more.hint}><Input value={fields[name]} disabled={more.disabled ?? managed} autoComplete="off" onChange={(event) => put({ [name]: event.target.value })} /></Field>
  );

  if (person && reset) return <PasswordDialog person={person} onClose={(done) => (done ? onClose(true) : setReset(false))} />;
  return (
    <Modal
      open title={person ? `${person.name} · ${person.login}` : t('newPerson')} width={640} onCancel={() => onClose(false)}
      footer={[
        ...(person ? [
          person.active ? <Button key="off" danger onClick={() => setActive(false)}>{t('disable')}</Button> : <Button key="on" onClick={() => setActive(true)}>{t('enable')}</Button>,
          ...(managed ? [] : [<Button key="reset" onClick={() => setReset(true)}>{t('reset')}</Button>]),
        ] : []),
        <Button key="no" onClick={() => (review ? setReview(false) : onClose(false))}>{review ? t('back') : t('cancel')}</Button>,
        <Button key="yes" type="primary" loading={busy} onClick={submit}>{person ? (review ? t('save') : t('review')) : t('create')}</Button>,
      ]}
    >
      {review ? (
        <>
          <p className="yz-strong">{t('changes')}</p>
          <dl className="co-facts">
            {changedFields(before.current, fields).map((name) => <div key={name}><dt>{t(label[name])}</dt><dd>{t('was', { old: show(name, before.current) || t('empty'), new: show(name, fields) || t('empty') })}</dd></div>)}
          </dl>
        </>
      ) : (
        <form className="co-form" onSubmit={(event) => { event.preventDefault(); submit(); }}>
          {managed && <p className="co-wide-field yz-text2">{t('fromLdap', { source: person.source })}</p>}
          {text('login', { disabled: person !== null, ...(person ? {} : { hint: t('loginHint') }) })}
          {text('name')}
          {text('englishName')}
          <Field label={t('department')}>
            <select className="co-select" value={fields.departmentId} disabled={managed} onChange={(event) => put({ departmentId: event.target.value })}>
              <option value="">{t('none')}</option>
              {departments.map((each) => <option key={each.department?.departmentId} value={each.department?.departmentId}>{each.department?.name}</option>)}
            </select>
          </Field>
          {text('title')}
          {text('email')}
          {text('phone')}
          {!person && <Field label={t('password')} hint={t('passwordHint')}><Input.Password value={password} autoComplete="new-password" onChange={(event) => { setPassword(event.target.value); setRequestId(newId()); }} /></Field>}
          <fieldset className="co-roles co-wide-field">
            <legend>{t('roles')}</legend>
            {givenRoles.map((role) => (
              <label key={role} className="co-check"><input type="checkbox" checked={fields.roles.includes(role)} onChange={(event) => put({ roles: withRole(fields.roles, role, event.target.checked) })} /> <span>{t(roleKey[role] ?? 'unknown')}</span></label>
            ))}
            <p className="yz-meta">{t('adminsExclude')}</p>
          </fieldset>
          <input type="submit" hidden />
        </form>
      )}
      <p className="yz-problem" role="alert">{problem}</p>
    </Modal>
  );
}

function PasswordDialog({ person, onClose }: { person: Person; onClose: (done: boolean) => void }) {
  const t = useT(texts);
  const say = useErrorText();
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    if (Array.from(password).length < 8) return setProblem(t('badPassword'));
    setBusy(true);
    try {
      await runTask(t('taskPassword', { name: person.name }), () => directory.setPassword({ personId: person.personId, newPassword: password }));
      onClose(true);
    } catch (error) {
      setProblem(say(toCallError(error)));
      setBusy(false);
    }
  };
  return (
    <Modal
      open title={t('resetTitle', { name: person.name })} onCancel={() => onClose(false)}
      footer={[<Button key="no" onClick={() => onClose(false)}>{t('cancel')}</Button>, <Button key="yes" type="primary" loading={busy} onClick={() => void submit()}>{t('resetDo')}</Button>]}
    >
      <p>{t('resetEffect')}</p>
      <Field label={t('newPassword')} hint={t('passwordHint')}><Input.Password value={password} autoComplete="new-password" autoFocus onChange={(event) => { setProblem(''); setPassword(event.target.value); }} onPressEnter={() => void submit()} /></Field>
      <p className="yz-problem" role="alert">{problem}</p>
    </Modal>
  );
}

function Field({ label: name, hint, children }: { label: string; hint?: string | undefined; children: ReactNode }) {
  return <label className="yz-field"><span>{name}</span>{children}{hint && <span className="yz-meta">{hint}</span>}</label>;
}

function fieldsOf(person: Person): PersonFields {
  const { login, name, englishName, departmentId, title, email, phone, roles } = person;
  return { login, name, englishName, departmentId, title, email, phone, roles: [...roles] };
}
