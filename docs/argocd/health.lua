-- Health of a ChatPDFDeployment, whose conditions follow kstatus: Ready, Reconciling, Stalled.
-- Only Stalled is Degraded: Argo CD fails a sync at once when it sees Degraded, and a ChatPDF that is
-- rolling out or waiting for its database gets there by itself.
if obj.spec ~= nil and obj.spec.suspend == true then
  return { status = "Suspended", message = "spec.suspend holds the operator back; what runs goes on running" }
end
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the ChatPDF operator" }
end
local conditions = {}
for _, condition in ipairs(obj.status.conditions or {}) do
  conditions[condition.type] = condition
end
if conditions.Stalled ~= nil and conditions.Stalled.status == "True" then
  return { status = "Degraded", message = conditions.Stalled.message }
end
if conditions.Ready == nil then
  return { status = "Progressing", message = "Waiting for the ChatPDF operator" }
end
if conditions.Ready.status == "True" then
  return { status = "Healthy", message = conditions.Ready.message }
end
return { status = "Progressing", message = conditions.Ready.message }
