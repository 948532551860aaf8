package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	resourcehelper "k8s.io/component-helpers/resource"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	api "k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	"k8s.io/kubernetes/pkg/registry/core/namespace"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolume"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/core/secret"
	"k8s.io/kubernetes/pkg/registry/scheduling/priorityclass"
	"k8s.io/kubernetes/pkg/registry/storage/storageclass"
)

type strategy struct {
	create   rest.RESTCreateStrategy
	update   rest.RESTUpdateStrategy
	resource schema.GroupVersionResource
}

var strategies = map[string]strategy{
	"Pod":                   {pod.Strategy, pod.Strategy, v1.SchemeGroupVersion.WithResource("pods")},
	"ConfigMap":             {configmap.Strategy, configmap.Strategy, v1.SchemeGroupVersion.WithResource("configmaps")},
	"Secret":                {secret.Strategy, secret.Strategy, v1.SchemeGroupVersion.WithResource("secrets")},
	"Namespace":             {namespace.Strategy, namespace.Strategy, v1.SchemeGroupVersion.WithResource("namespaces")},
	"PersistentVolume":      {persistentvolume.Strategy, persistentvolume.Strategy, v1.SchemeGroupVersion.WithResource("persistentvolumes")},
	"PersistentVolumeClaim": {persistentvolumeclaim.Strategy, persistentvolumeclaim.Strategy, v1.SchemeGroupVersion.WithResource("persistentvolumeclaims")},
	"PriorityClass":         {priorityclass.Strategy, priorityclass.Strategy, schema.GroupVersionResource{Group: "scheduling.k8s.io", Version: "v1", Resource: "priorityclasses"}},
	"StorageClass":          {storageclass.Strategy, storageclass.Strategy, schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"}},
}

var subresources = map[string]rest.RESTUpdateStrategy{
	"status":              pod.StatusStrategy,
	"ephemeralcontainers": pod.EphemeralContainersStrategy,
	"resize":              pod.ResizeStrategy,
}

// create does what a POST does, but for admission: decode strictly, default, prepare, validate.
func create(ctx context.Context, raw []byte) answer {
	object, problems := decode(raw)
	if object == nil {
		return answer{Problems: problems}
	}
	made, wrong := makeObject(ctx, object)
	if problems = append(problems, wrong...); made == nil || len(problems) > 0 {
		return answer{Problems: problems}
	}
	return describe(made)
}

func makeObject(ctx context.Context, object runtime.Object) (runtime.Object, []problem) {
	kind, _, err := legacyscheme.Scheme.ObjectKinds(object)
	if err != nil {
		return nil, problemsOf(err)
	}
	rules := strategies[kind[0].Kind]
	accessor, err := meta.Accessor(object)
	if err != nil {
		return nil, problemsOf(err)
	}
	ctx = contextOf(ctx, accessor.GetNamespace(), rules, "")
	rest.FillObjectMetaSystemFields(accessor)
	if accessor.GetGenerateName() != "" && accessor.GetName() == "" {
		accessor.SetName(rules.create.GenerateName(accessor.GetGenerateName()))
	}
	if err := rest.BeforeCreate(rules.create, ctx, object); err != nil {
		return nil, problemsOf(err)
	}
	return object, nil
}

// update does what a PUT of the whole object does to one that exists, but for admission.
func update(ctx context.Context, asked question) answer {
	old, problems := decode(asked.Old)
	if len(problems) > 0 {
		return answer{Problems: append(problems, problem{Type: "Old"})}
	}
	given := old.DeepCopyObject()
	keepLater(old, nil)
	if old, problems = makeObject(ctx, old); len(problems) > 0 {
		return answer{Problems: append(problems, problem{Type: "Old"})}
	}
	keepLater(old, given)
	object, problems := decode(asked.Object)
	if len(problems) > 0 {
		return answer{Problems: problems}
	}
	kinds, _, err := legacyscheme.Scheme.ObjectKinds(object)
	if err != nil {
		return answer{Problems: problemsOf(err)}
	}
	rules := strategies[kinds[0].Kind]
	by := rules.update
	if asked.Subresource != "" {
		by = subresources[asked.Subresource]
	}
	before, _ := meta.Accessor(old)
	before.SetResourceVersion("1")
	after, _ := meta.Accessor(object)
	if after.GetResourceVersion() == "" {
		after.SetResourceVersion("1")
	}
	ctx = contextOf(ctx, before.GetNamespace(), rules, asked.Subresource)
	if err := rest.BeforeUpdate(by, ctx, object, old); err != nil {
		return answer{Problems: problemsOf(err)}
	}
	return describe(object)
}

// keepLater gives an object what only one that exists can have, from the one that was asked about; nil: takes it away.
func keepLater(object, from runtime.Object) {
	switch object := object.(type) {
	case *api.Pod:
		given, ok := from.(*api.Pod)
		if !ok {
			object.Spec.EphemeralContainers = nil
			return
		}
		object.Spec.EphemeralContainers = given.Spec.EphemeralContainers
		class := object.Status.QOSClass
		object.Status = given.Status
		object.Status.QOSClass = class
	case *api.PersistentVolumeClaim:
		if given, ok := from.(*api.PersistentVolumeClaim); ok {
			object.Status = given.Status
		}
	}
}

func contextOf(ctx context.Context, namespace string, rules strategy, subresource string) context.Context {
	if namespace == "" && rules.create.NamespaceScoped() {
		namespace = "default"
	}
	ctx = genericapirequest.WithNamespace(ctx, namespace)
	return genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{
		IsResourceRequest: true,
		APIGroup:          rules.resource.Group,
		APIVersion:        rules.resource.Version,
		Resource:          rules.resource.Resource,
		Subresource:       subresource,
		Namespace:         namespace,
	})
}

// decode as the API server does with fieldValidation=Strict, which kubectl asks for.
func decode(raw []byte) (runtime.Object, []problem) {
	info, _ := runtime.SerializerInfoForMediaType(legacyscheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeJSON)
	decoder := legacyscheme.Codecs.DecoderToVersion(info.StrictSerializer, runtime.InternalGroupVersioner)
	object, _, err := decoder.Decode(raw, nil, nil)
	if err == nil {
		return object, nil
	}
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		problems := []problem{}
		for _, one := range strict.Errors() {
			problems = append(problems, strictProblem(one.Error()))
		}
		return object, problems
	}
	return nil, []problem{{Type: "Decode", Detail: err.Error()}}
}

var quoted = regexp.MustCompile(`^(unknown|duplicate) field "(.*)"$`)

func strictProblem(text string) problem {
	if match := quoted.FindStringSubmatch(text); match != nil {
		return problem{Type: match[1], Field: match[2], Detail: text}
	}
	return problem{Type: "Strict", Detail: text}
}

func problemsOf(err error) []problem {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) == 0 {
		return []problem{{Type: "Error", Detail: err.Error()}}
	}
	problems := []problem{}
	for _, cause := range status.Status().Details.Causes {
		problems = append(problems, problem{Type: string(cause.Type), Field: cause.Field, Detail: cause.Message})
	}
	return problems
}

// describe shows an object as the API server would answer with it, and for a pod what a scheduler counts.
func describe(object runtime.Object) answer {
	encoder := legacyscheme.Codecs.LegacyCodec(legacyscheme.Scheme.PrioritizedVersionsAllGroups()...)
	shown, err := runtime.Encode(encoder, object)
	if err != nil {
		return answer{Problems: problemsOf(err)}
	}
	given := answer{Object: shown}
	var versioned v1.Pod
	if err := json.Unmarshal(shown, &versioned); err == nil && versioned.Kind == "Pod" {
		given.Requests = mustEncode(resourcehelper.PodRequests(&versioned, resourcehelper.PodResourcesOptions{}))
		given.Limits = mustEncode(resourcehelper.PodLimits(&versioned, resourcehelper.PodResourcesOptions{}))
	}
	return given
}

func mustEncode(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprint("oracle: ", err))
	}
	return text
}

// quantity: the canonical form, which the API server stores and shows.
func quantity(text string) answer {
	parsed, err := resource.ParseQuantity(text)
	if err != nil {
		return answer{Problems: []problem{{Type: "Quantity", Detail: err.Error()}}}
	}
	return answer{Text: parsed.String()}
}
